from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from flows.steps.data.reactions import HOTEL_USD, SCHEMA, reactions_of
from flows.steps.replay.truth import share

DUE = datetime(2013, 9, 3, 20, 15, tzinfo=UTC)


def flights(delays: list[float | None]) -> pl.DataFrame:
    names = [f"2013-09-03:AA:{number}:1000:JFK" for number in range(len(delays))]
    landed = [None if each is None else DUE + timedelta(minutes=each) for each in delays]
    frame = {"flight_id": names, "sched_arr_ts": [DUE] * len(names), "arr_known_ts": landed}
    return pl.DataFrame(frame, schema_overrides={"arr_known_ts": pl.Datetime("us", "UTC")})


def test_every_run_says_the_same_whatever_else_is_asked() -> None:
    whole = reactions_of(flights([0.0, 90.0, None, 300.0] * 50), share)

    again = reactions_of(flights([0.0, 90.0, None, 300.0] * 50)[7:19], share)

    asked = flights([0.0] * 200)[7:19]["flight_id"]
    assert again.equals(whole.filter(pl.col("subject").is_in(asked.to_list())))


def test_ratings_are_stars_that_fall_with_the_delay() -> None:
    punctual, late = (
        reactions_of(flights([minutes] * 2_000), share).filter(kind="rating") for minutes in (-5.0, 120.0)
    )

    assert set(punctual["value"]) | set(late["value"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert punctual["value"].mean() > 4.4
    assert late["value"].mean() == pytest.approx(1.8, abs=0.2)
    assert 0.17 < punctual.height / 2_000 < 0.23


def test_nobody_rates_or_pays_for_what_did_not_happen() -> None:
    never = reactions_of(flights([None] * 100), share)
    punctual = reactions_of(flights([60.0] * 100), share)

    assert set(never["kind"]) == {"rebooking_cost"}
    assert set(punctual["kind"]) == {"rating"}
    assert never["known_at"].min() > DUE + timedelta(hours=36)


def test_costs_are_cents_by_item_and_grow_with_the_delay() -> None:
    some, all_of_them = (
        reactions_of(flights([minutes] * 300), share).filter(kind="rebooking_cost") for minutes in (90.0, 200.0)
    )

    assert set(some["item"]) == {"tickets"}
    assert set(all_of_them["item"]) == {"tickets", "hotel"}
    assert all_of_them.filter(item="tickets")["value"].sum() > 3 * some["value"].sum()
    assert all(round(value, 2) == value > 0 for value in all_of_them["value"])
    assert all(value % HOTEL_USD == 0 for value in all_of_them.filter(item="hotel")["value"])


def test_a_wrong_first_report_is_a_value_that_its_kind_allows() -> None:
    said = reactions_of(flights([10.0, 150.0, 400.0] * 300), share)

    assert said.schema == pl.Schema(SCHEMA)
    assert (said["value"] != said["mistaken"]).all()
    assert set(said.filter(kind="rating")["mistaken"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert said["mistaken"].min() >= 0
