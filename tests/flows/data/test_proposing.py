"""Rules that the tables suggest, for a person to review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.steps.data import proposing, validate
from flows.steps.data.proposing import BETWEEN, IN_SET, NOT_NULL, REPORT, UNIQUE, propose
from flows.steps.data.rules import FILE, Rule, read_rules

ROWS = 400


def planes(**columns: Any) -> dict[str, pl.DataFrame]:
    """Return a table of planes, with other columns."""
    made: dict[str, Any] = {
        "tailnum": [f"N{number}" for number in range(ROWS)],
        "seats": [50 + number % 101 for number in range(ROWS)],
        "engine": ["jet" if number % 3 else "prop" for number in range(ROWS)],
    }
    return {"planes": pl.DataFrame(made | columns)}


def found(tables: dict[str, pl.DataFrame], *known: Rule) -> dict[tuple[str, tuple[str, ...]], proposing.Proposal]:
    """Return the proposals by what they expect of which columns."""
    return {(each.rule.expect, each.rule.columns): each for each in propose(tables, {"planes": known})}


def test_a_table_suggests_what_its_rows_have_in_common() -> None:
    proposals = found(planes())

    assert proposals[NOT_NULL, ("seats",)].rule.arguments == {"column": "seats"}
    assert proposals[BETWEEN, ("seats",)].rule.arguments == {"column": "seats", "min_value": 40, "max_value": 160}
    assert proposals[IN_SET, ("engine",)].rule.arguments["value_set"] == ["jet", "prop"]
    assert (UNIQUE, ("tailnum",)) in proposals
    assert (IN_SET, ("tailnum",)) not in proposals
    assert all(each.tried.met for each in proposals.values())


def test_what_is_in_force_is_not_proposed_again() -> None:
    in_force = Rule("seats", BETWEEN, {"column": "seats", "min_value": 1, "max_value": 900}, "report", 0.1, "odd")

    proposals = found(planes(), in_force)

    assert (BETWEEN, ("seats",)) not in proposals
    assert (NOT_NULL, ("seats",)) in proposals


def test_what_the_later_rows_do_not_keep_is_said() -> None:
    later = ["jet" if number < ROWS - 20 else "rocket" for number in range(ROWS)]

    line = found(planes(engine=later))[IN_SET, ("engine",)].line()

    assert "finds 20 of 200 later rows, and would have stopped the batch" in line


@pytest.mark.parametrize(("every", "mostly"), [(2, 0.38), (10, 0.02), (40, None)])
def test_a_column_that_is_often_empty_is_held_to_how_often(every: int, mostly: float | None) -> None:
    speed = [1.5 if number % every == 0 else None for number in range(ROWS)]

    proposals = found(planes(speed=speed))

    if mostly is None:
        assert not any("speed" in columns for _, columns in proposals)
        return
    rule = proposals[NOT_NULL, ("speed",)].rule
    assert (rule.arguments, rule.at_fault) == ({"column": "speed", "mostly": mostly}, "stop")
    assert (BETWEEN, ("speed",)) in proposals


def test_the_command_writes_rules_that_the_stage_takes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert proposing.main(project) == 0

    said = capsys.readouterr().out
    assert "planes: " in said
    text = (project / REPORT).read_text(encoding="utf-8")
    kept = yaml.safe_load("\n".join(line for line in text.splitlines() if "would have stopped" not in line))
    assert {"seats in range", "engines given"} <= {each["name"] for each in kept["planes"]}
    assert "manufacturer known" not in {each["name"] for each in kept["planes"]}
    in_force = yaml.safe_load((project / FILE).read_text(encoding="utf-8"))
    in_force["planes"] += kept["planes"]
    (project / FILE).write_text(yaml.safe_dump(in_force), encoding="utf-8")
    assert len(read_rules(project)["planes"]) > 5
    validate.run(project)


def test_without_raw_files_it_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert proposing.main(tmp_path) == 1

    assert capsys.readouterr().err.startswith("proposing: data/raw/manifest.json: it is missing")
