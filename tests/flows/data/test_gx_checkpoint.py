"""What Great Expectations passes over in silence, and that it is not passed over here."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from flows.steps.data.gx_checkpoint import accept_results, run_checkpoint
from flows.steps.data.rules import Rule
from handrail.errors import Misconfigured, Refused

ROWS = Rule("row count", "expect_table_row_count_to_be_between", {"min_value": 1}, "stop", 0.0, "no rows")
GIVEN = Rule("speed given", "expect_column_values_to_not_be_null", {"column": "speed"}, "stop", 0.0, "no speed")
RANGE = Rule(
    "speed in range",
    "expect_column_values_to_be_between",
    {"column": "speed", "max_value": 100},
    "quarantine",
    0.3,
    "too fast",
)
SPEEDS = pl.DataFrame({"speed": [3.0, 1048.0, 7.0, 9.0]})


def test_rows_at_fault_are_named_by_their_position() -> None:
    count, given, fast = run_checkpoint("weather", SPEEDS, [ROWS, GIVEN, RANGE], {})

    assert (count.met, given.met, fast.met) == (True, True, False)
    assert fast.rows == (1,)
    assert fast.share == 0.25
    assert not fast.stops


def test_a_share_beyond_the_threshold_stops() -> None:
    worse = pl.DataFrame({"speed": [3.0, 1048.0, 700.0, 9.0]})

    (outcome,) = run_checkpoint("weather", worse, [RANGE], {})

    assert outcome.rows == (1, 2)
    assert outcome.stops


def test_a_suite_without_expectations_is_refused() -> None:
    with pytest.raises(Refused, match="There is no rule for it, so any batch would pass"):
        run_checkpoint("weather", SPEEDS, [], {})


def test_a_table_without_rows_stops() -> None:
    outcomes = run_checkpoint("weather", SPEEDS.clear(), [ROWS, GIVEN, RANGE], {})

    assert [outcome.stops for outcome in outcomes] == [True, False, False]
    assert outcomes[0].problem == "found 0"


def test_missing_values_stop_although_the_range_passes_over_them() -> None:
    outcomes = run_checkpoint("weather", pl.DataFrame({"speed": [3.0, None, None]}), [GIVEN, RANGE], {})

    assert [outcome.stops for outcome in outcomes] == [True, False]
    assert outcomes[0].rows == (1, 2)


def test_a_missing_column_stops_and_is_named() -> None:
    outcomes = run_checkpoint("weather", SPEEDS.rename({"speed": "velocity"}), [ROWS, GIVEN, RANGE], {})

    assert [outcome.stops for outcome in outcomes] == [False, True, True]
    assert outcomes[1].problem == 'The column "speed" in BatchData does not exist'


def test_an_expectation_that_nobody_registered_is_refused() -> None:
    unknown = Rule("ours", "expect_speed_of_light", {"column": "speed"}, "stop", 0.0, "too fast")

    with pytest.raises(Misconfigured, match="weather: 'ours': no expectation is named 'expect_speed_of_light'"):
        run_checkpoint("weather", SPEEDS, [ROWS, unknown], {})


def test_arguments_that_the_expectation_does_not_know_are_refused() -> None:
    wrong = Rule("ours", RANGE.expect, {"colum": "speed", "max_value": 3}, "stop", 0.0, "too fast")

    with pytest.raises(Misconfigured, match="weather: 'ours': .*column field required"):
        run_checkpoint("weather", SPEEDS, [wrong], {})


class _Evaluated:
    """A result as a checkpoint hands it over."""

    def __init__(self, rule: str | None, *, success: bool = True) -> None:
        self.success = success
        self.result: dict[str, Any] = {}
        self.exception_info = None
        self.expectation_config = type("Config", (), {"meta": {"rule": rule} if rule else None})


@pytest.mark.parametrize(
    "results",
    [
        [],
        [_Evaluated("row count")],
        [_Evaluated("row count"), _Evaluated("row count")],
        [_Evaluated("row count"), _Evaluated(None)],
        [_Evaluated("row count"), _Evaluated("speed given"), _Evaluated("another")],
    ],
)
def test_a_rule_that_was_agreed_and_not_evaluated_refuses_the_batch(results: list[_Evaluated]) -> None:
    with pytest.raises(Refused, match="2 rules were agreed"):
        accept_results("weather", [ROWS, GIVEN], results, 4)


def test_allowed_values_come_from_another_table() -> None:
    rule = Rule(
        "known carrier",
        "expect_column_values_to_be_in_set",
        {"column": "carrier"},
        "quarantine",
        0.0,
        "unknown",
        "airlines.carrier",
    )
    airlines = pl.DataFrame({"carrier": ["UA", "AA"]})

    (outcome,) = run_checkpoint("flights", pl.DataFrame({"carrier": ["AA", "ZZ"]}), [rule], {"airlines": airlines})

    assert outcome.rows == (1,)
    assert outcome.stops
