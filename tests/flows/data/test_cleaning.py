"""What is corrected before a batch is checked, counted by rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.steps.data import validate
from flows.steps.data.cleaning import FILE, CleaningKeys, clean, read_cleaning
from flows.steps.data.raw_files import read_raw
from handrail.errors import Misconfigured, Refused
from tests.fakes.flights_project import ROOT

PLANES = pl.DataFrame(
    {
        "tail": ["N1", " N2 ", "n3", None, "N1"],
        "seats": [55, 0, 9999, None, 55],
        "maker": ["A INC", "A", "-", None, "A INC"],
        "speed": [1.0, 2.5, None, -1.0, 1.0],
    }
)


def rule(**does: Any) -> CleaningKeys:
    """Return one rule with what it does."""
    return CleaningKeys(**({"name": "a rule", "says": "it is wrong", "max_share": 0.9} | does))


@pytest.mark.parametrize(
    ("does", "column", "after", "changed", "of"),
    [
        ({"trim": True, "column": "tail"}, "tail", ["N1", "N2", "n3", None, "N1"], 1, 4),
        ({"case": "upper", "column": "tail"}, "tail", ["N1", " N2 ", "N3", None, "N1"], 1, 4),
        ({"replace": {"A INC": "A"}, "column": "maker"}, "maker", ["A", "A", "-", None, "A"], 2, 4),
        ({"replace": {0: 55}, "column": "seats"}, "seats", [55, 55, 9999, None, 55], 1, 4),
        ({"missing": ["-"], "column": "maker"}, "maker", ["A INC", "A", None, None, "A INC"], 1, 4),
        ({"missing": [0, 9999], "column": "seats"}, "seats", [55, None, None, None, 55], 2, 4),
        ({"between": [0, 2], "column": "speed"}, "speed", [1.0, None, None, None, 1.0], 2, 4),
        ({"repeated": "drop"}, "tail", ["N1", " N2 ", "n3", None], 1, 5),
    ],
)
def test_each_operation_corrects_what_it_names_and_counts_it(
    does: dict[str, Any], column: str, after: list[Any], changed: int, of: int
) -> None:
    tables, (done,) = clean({"planes": PLANES}, {"planes": [rule(**does)]})

    assert tables["planes"].get_column(column).to_list() == after
    assert tables["planes"].schema == PLANES.schema
    assert (done.changed, done.of) == (changed, of)
    untouched = [name for name in PLANES.columns if name != does.get("column")]
    if "column" in does:
        assert tables["planes"].select(untouched).equals(PLANES.select(untouched))
        assert [PLANES.get_column(column)[row] for row, _, _ in done.examples] == [
            before for _, before, _ in done.examples
        ]


def test_rules_of_a_table_are_applied_in_their_order() -> None:
    rules = [rule(trim=True, column="tail"), rule(case="upper", column="tail"), rule(repeated="drop")]

    tables, done = clean({"planes": PLANES, "airlines": PLANES}, {"planes": rules})

    assert tables["planes"].get_column("tail").to_list() == ["N1", "N2", "N3", None]
    assert [each.changed for each in done] == [1, 1, 1]
    assert tables["airlines"] is PLANES


@pytest.mark.parametrize(
    ("table", "does", "said"),
    [
        ("planes", {"trim": True, "column": "seats"}, "is for texts, and seats holds Int64"),
        ("planes", {"between": [0, 2], "column": "tail"}, "is for numbers, and tail holds String"),
        ("planes", {"missing": ["none"], "column": "seats"}, "'none', and seats holds Int64"),
        ("planes", {"replace": {0: "many"}, "column": "seats"}, "'many', and seats holds Int64"),
        ("planes", {"trim": True, "column": "wings"}, "'wings', which is no column of it"),
        ("trains", {"trim": True, "column": "tail"}, "it is no raw table, expected one of planes"),
    ],
)
def test_a_rule_that_does_not_fit_the_table_is_one_sentence(table: str, does: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        clean({"planes": PLANES}, {table: [rule(**does)]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trim": True, "case": "upper"}, "expected one of trim, case"),
        ({"trim": None}, "expected one of trim, case"),
        ({"column": None}, "column is missing"),
        ({"trim": None, "repeated": "drop"}, "whole rows"),
        ({"max_share": 2}, "max_share"),
        ({"triim": True}, "triim"),
        ({"says": None}, "says"),
    ],
)
def test_a_file_that_is_wrong_is_one_sentence(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    given = {"name": "spaces", "column": "tail", "trim": True, "max_share": 0.1, "says": "spaces around it"} | changes
    written = {name: value for name, value in given.items() if value is not None}
    (tmp_path / "config").mkdir()
    (tmp_path / FILE).write_text(yaml.safe_dump({"version": 1, "tables": {"planes": [written]}}))

    with pytest.raises(Misconfigured, match=said):
        read_cleaning(tmp_path)


def test_two_rules_of_one_name_are_refused_and_no_file_is_no_rules(tmp_path: Path) -> None:
    assert read_cleaning(tmp_path) == {}
    (tmp_path / "config").mkdir()
    one = {"name": "spaces", "column": "tail", "trim": True, "max_share": 0.1, "says": "spaces around it"}
    (tmp_path / FILE).write_text(yaml.safe_dump({"version": 1, "tables": {"planes": [one, one]}}))

    with pytest.raises(Misconfigured, match="two rules are named 'spaces'"):
        read_cleaning(tmp_path)


def test_the_real_defects_of_the_year_are_corrected_and_counted(published: dict[str, pl.DataFrame]) -> None:
    tables, done = clean(published, read_cleaning(ROOT))

    assert {f"{each.table}.{each.rule.column}": each.changed for each in done} == {
        "flights.dep_time": 29,
        "flights.arr_time": 150,
        "planes.manufacturer": 400 + 103 + 14,
    }
    assert not any(each.stops for each in done)
    assert tables["flights"].filter(pl.col("dep_time") == 0).height == 29
    assert tables["weather"] is published["weather"]


def test_the_stage_keeps_the_raw_files_and_writes_what_was_corrected(project: Path) -> None:
    raw = read_raw(project / "data" / "raw")["planes"]

    validate.run(project)

    assert read_raw(project / "data" / "raw")["planes"].equals(raw)
    cleaned = pl.read_parquet(project / "data" / "validated" / "planes.parquet")
    assert "AIRBUS INDUSTRIE" not in cleaned.get_column("manufacturer").to_list()
    found = json.loads((project / "data" / "validation.json").read_text(encoding="utf-8"))["cleaned"]
    (makers,) = [each for each in found if each["table"] == "planes"]
    assert makers["changed"] == raw.filter(pl.col("manufacturer").is_in(list(makers["does"]["replace"]))).height
    assert makers["examples"][0]["after"] == "AIRBUS"


def test_more_than_is_allowed_stops_with_one_sentence(project: Path) -> None:
    rules = yaml.safe_load((project / FILE).read_text(encoding="utf-8"))
    rules["tables"]["planes"][0]["max_share"] = 0.01
    (project / FILE).write_text(yaml.safe_dump(rules), encoding="utf-8")

    with pytest.raises(Refused, match="one maker under several names: 'one name a maker' changes"):
        validate.run(project)

    found = json.loads((project / "data" / "validation.json").read_text(encoding="utf-8"))
    assert found["usable"] is False
    assert [each["stops"] for each in found["cleaned"] if each["table"] == "planes"] == [True]
