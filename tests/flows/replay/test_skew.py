from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.steps.replay.log import ReplayLog
from flows.steps.replay.skew import Skew, compare_features, skew_of
from handrail.settings import Settings

NOON = datetime(2013, 8, 8, 12, tzinfo=UTC)


def test_equal_readings_have_no_skew() -> None:
    skew = skew_of(
        2, {"temp": [1.5, None], "carrier": ["AA", "UA"]}, {"temp": [1.5, math.nan], "carrier": ["AA", "UA"]}
    )

    assert (skew.values, skew.different, skew.max_difference) == (4, 0, 0.0)


def test_each_difference_is_counted_by_feature() -> None:
    skew = skew_of(2, {"temp": [1.0, 2.0], "wind": [5.0, 5.0]}, {"temp": [1.5, 2.25], "wind": [5.0, 5.0]})

    assert (skew.different, skew.features, skew.max_difference) == (2, {"temp": 2}, 0.5)


def test_a_value_that_only_one_side_knows_is_counted_apart() -> None:
    skew = skew_of(1, {"temp": [None]}, {"temp": [3.0]})

    assert (skew.different, skew.one_sided, skew.max_difference) == (1, 1, 0.0)


def test_the_kept_sample_is_held_against_the_scored_months(tmp_path: Path) -> None:
    ReplayLog(tmp_path / "replay").add_online(NOON, ["b", "a"], {"temp": [2.0, 9.0], "now": [1, 1]})
    (tmp_path / "replay" / "scored").mkdir()
    pl.DataFrame({"flight_id": ["a", "b", "c"], "temp": [1.0, 2.0, 3.0]}).write_parquet(
        tmp_path / "replay" / "scored" / "2013-08.parquet"
    )

    figures = compare_features(Settings(project=Path(__file__).parents[3], home=tmp_path))

    assert (figures["subjects"], figures["values"], figures["different"]) == (2, 2, 1)
    assert figures["max_difference"] == 8.0


def test_before_a_replay_nothing_is_compared(tmp_path: Path) -> None:
    nothing = {"subjects": 0, "values": 0, "different": 0, "one_sided": 0, "max_difference": 0.0, "features": {}}

    assert compare_features(Settings(project=tmp_path, home=tmp_path)) == nothing
    ReplayLog(tmp_path / "replay").add_online(NOON, ["a"], {"temp": [2.0]})
    assert compare_features(Settings(project=tmp_path, home=tmp_path)) == nothing, "not scored yet"


def test_the_largest_difference_is_between_numbers_that_both_sides_know() -> None:
    online = {"temp": [1.0, 9.0, None, math.nan], "carrier": ["AA", "UA", "DL", None]}
    offline = {"temp": [3.0, 9.0, 50.0, 60.0], "carrier": ["AA", "AA", "DL", "B6"]}

    assert skew_of(4, online, offline) == Skew(4, 8, 5, 3, 2.0, {"temp": 3, "carrier": 2})
