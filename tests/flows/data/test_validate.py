from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.steps.data import validate
from flows.steps.data.batch_tables import tables_to_check
from flows.steps.data.gx_checkpoint import RuleResult, run_checkpoint
from flows.steps.data.raw_files import read_raw, write_raw
from flows.steps.data.rules import Rule, read_rules
from flows.steps.data.validate import check, evidence, split
from handrail.errors import InvalidInput, Refused
from tests.fakes.flights_project import ROOT

YEAR_END = datetime(2014, 1, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def year(published: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return tables_to_check(published, YEAR_END)


@pytest.fixture(scope="module")
def outcomes(year: dict[str, pl.DataFrame]) -> dict[str, list[RuleResult]]:
    return check(year, read_rules(ROOT))


def _found(outcomes: dict[str, list[RuleResult]], table: str, rule: str) -> RuleResult:
    (outcome,) = [outcome for outcome in outcomes[table] if outcome.rule.name == rule]
    return outcome


@pytest.mark.parametrize(
    ("table", "rule", "count"),
    [
        ("weather", "wind speed in range", 1),
        ("weather_hours", "every hour observed", 75 + 3 * 29),
        ("weather_days", "every day observed", 1),
        ("flights", "long enough", 2),
        ("flights", "departure on the clock", 29),
        ("flights", "arrival on the clock", 150),
        ("flights", "departs after five", 1),
    ],
)
def test_the_real_defects_of_the_year_are_found(
    outcomes: dict[str, list[RuleResult]], table: str, rule: str, count: int
) -> None:
    outcome = _found(outcomes, table, rule)

    assert not outcome.met
    assert not outcome.stops
    assert len(outcome.rows) == count


def test_nothing_else_is_found_in_the_year(outcomes: dict[str, list[RuleResult]]) -> None:
    assert sum(not outcome.met for found in outcomes.values() for outcome in found) == 7


def test_the_wind_and_the_day_without_weather_are_named(
    year: dict[str, pl.DataFrame], outcomes: dict[str, list[RuleResult]]
) -> None:
    findings = evidence(YEAR_END, year, outcomes, {})["findings"]

    assert any("wind_speed 1048.36" in finding and "EWR 2013-02-12T08:00Z" in finding for finding in findings)
    assert any("no weather at all" in finding and "2013-12-31" in finding for finding in findings)


def test_rows_at_fault_are_set_aside_with_the_reason_and_no_row_is_lost(
    published: dict[str, pl.DataFrame], outcomes: dict[str, list[RuleResult]]
) -> None:
    kept, set_aside = split(published, outcomes)

    assert set_aside["flights"].get_column("reason").unique().sort().to_list() == [
        "scheduled departure between midnight and five",
        "scheduled duration below 25 or above 900 minutes",
    ]
    assert set_aside["weather"].get_column("wind_speed").to_list() == [1048.36058]
    for table in ("flights", "weather"):
        assert kept[table].height + set_aside[table].height == published[table].height
        assert kept[table].columns == published[table].columns


def test_the_key_without_the_hour_is_not_unique(year: dict[str, pl.DataFrame]) -> None:
    wrong_key = {"column_list": ["year", "month", "day", "carrier", "flight"]}
    rule = Rule("wrong key", "expect_compound_columns_to_be_unique", wrong_key, "report", 0.9, "twice")

    (outcome,) = run_checkpoint("flights", year["flights"], [rule], year)

    assert len(outcome.rows) == 2 * 24


def _rewrite_raw(project: Path, table: str, frame: pl.DataFrame) -> None:
    """Put another table into data/raw under a manifest that agrees with it."""
    raw = project / "data" / "raw"
    write_raw(read_raw(raw) | {table: frame}, raw)


def test_an_unknown_carrier_stops_with_one_sentence_and_is_set_aside(project: Path) -> None:
    flights = read_raw(project / "data" / "raw")["flights"]
    second = pl.int_range(pl.len()) == 1
    _rewrite_raw(
        project,
        "flights",
        flights.with_columns(carrier=pl.when(second).then(pl.lit("ZZ")).otherwise(pl.col("carrier"))),
    )
    before = sorted((project / "data" / "validated").iterdir())

    with pytest.raises(Refused) as caught:
        validate.run(project)

    assert "flights: the carrier is not in airlines (1 of 12208 rows" in str(caught.value)
    assert "carrier 'ZZ'" in str(caught.value)
    aside = pl.read_parquet(project / "data" / "quarantine" / "flights.parquet")
    assert aside.get_column("carrier").to_list() == ["ZZ"]
    assert aside.get_column("reason").to_list() == ["the carrier is not in airlines"]
    assert json.loads((project / "data" / "validation.json").read_text(encoding="utf-8"))["usable"] is False
    assert sorted((project / "data" / "validated").iterdir()) == before


def test_an_unknown_destination_is_set_aside_since_its_arrival_has_no_time(project: Path) -> None:
    flights = read_raw(project / "data" / "raw")["flights"]
    first = pl.int_range(pl.len()) == 0
    _rewrite_raw(
        project, "flights", flights.with_columns(dest=pl.when(first).then(pl.lit("ZZZ")).otherwise(pl.col("dest")))
    )

    validate.run(project)

    aside = pl.read_parquet(project / "data" / "quarantine" / "flights.parquet")
    assert aside.get_column("reason").to_list() == ["no scheduled arrival that can be placed in time"]
    assert pl.read_parquet(project / "data" / "validated" / "flights.parquet").height == flights.height - 1


def test_too_many_missing_hours_stop(project: Path) -> None:
    weather = read_raw(project / "data" / "raw")["weather"]
    _rewrite_raw(project, "weather", weather.filter(pl.col("day") != 7))

    with pytest.raises(Refused, match="weather_hours: no weather for this hour of this airport") as caught:
        validate.run(project)

    assert "allowed is a share of 0.01" in str(caught.value)


def test_a_batch_without_weather_is_refused(project: Path) -> None:
    raw = read_raw(project / "data" / "raw")
    write_raw(raw | {"weather": raw["weather"].head(1)}, project / "data" / "raw")

    with pytest.raises(Refused, match="weather: too few weather rows"):
        validate.run(project)


def test_a_missing_raw_file_stops_before_anything_is_written(project: Path) -> None:
    evidence_before = (project / "data" / "validation.json").read_bytes()
    (project / "data" / "raw" / "weather" / "2013-01.csv").unlink()

    with pytest.raises(InvalidInput, match=r"data/raw/weather/2013-01.csv: it is missing"):
        validate.run(project)

    assert (project / "data" / "validation.json").read_bytes() == evidence_before


def test_the_evidence_is_the_same_for_the_same_batch(project: Path, fortnight: Path) -> None:
    validate.run(project)

    for name in ("validation.json", "validated/flights.parquet", "quarantine/weather.parquet"):
        assert (project / "data" / name).read_bytes() == (fortnight / "data" / name).read_bytes()
