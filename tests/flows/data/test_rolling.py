from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from flows.steps.data.rolling import Buckets, over_last, ratio, rolling_sums, waiting

START = datetime(2013, 3, 10, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = Buckets(START, START + 12 * HOUR, HOUR)
minutes = st.integers(min_value=-90, max_value=12 * 60)
events_strategy = st.lists(
    st.tuples(st.sampled_from("AB"), minutes, st.integers(min_value=-50, max_value=500)), min_size=1, max_size=25
)


def _frame(events: list[tuple[str, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "key": [key for key, _, _ in events],
            "known": [START + timedelta(minutes=minute) for _, minute, _ in events],
            "delay": [delay for _, _, delay in events],
        },
        schema={"key": pl.String, "known": pl.Datetime("us", "UTC"), "delay": pl.Int64},
    )


@given(events=events_strategy, span=st.integers(min_value=1, max_value=5))
def test_sums_are_those_of_the_events_known_in_the_last_hours(events: list[tuple[str, int, int]], span: int) -> None:
    table = rolling_sums(_frame(events), "key", ["delay"], HOURS).with_columns(total=over_last("delay", span, "key"))

    for row in table.to_dicts():
        end = row["event_timestamp"]
        within = [
            delay
            for key, minute, delay in events
            if key == row["key"] and max(end - span * HOUR, START - HOUR) < START + timedelta(minutes=minute) <= end
        ]
        assert row["total"] == sum(within)


@given(
    flights=st.lists(
        st.tuples(minutes, st.none() | st.integers(min_value=-30, max_value=400)), min_size=1, max_size=20
    ),
    span=st.integers(min_value=1, max_value=4),
)
def test_who_waits_was_scheduled_lately_and_has_not_departed(flights: list[tuple[int, int | None]], span: int) -> None:
    frame = pl.DataFrame(
        {
            "key": ["A"] * len(flights),
            "sched_dep_ts": [START + timedelta(minutes=minute) for minute, _ in flights],
            "departed": [
                None if delay is None else START + timedelta(minutes=minute + delay) for minute, delay in flights
            ],
        },
        schema_overrides={"sched_dep_ts": pl.Datetime("us", "UTC"), "departed": pl.Datetime("us", "UTC")},
    )

    for row in waiting(frame, "key", HOURS, span).to_dicts():
        end = row["event_timestamp"]
        scheduled = [
            (at, delay)
            for minute, delay in flights
            if end - span * HOUR < (at := START + timedelta(minutes=minute)) <= end
        ]
        still = [1 for at, delay in scheduled if delay is None or at + timedelta(minutes=delay) > end]
        assert (row["scheduled"], row["waiting"]) == (len(scheduled), len(still))


def test_what_happens_inside_an_hour_is_known_at_its_end_and_on_the_hour_at_once() -> None:
    moments = pl.DataFrame({"at": [START + timedelta(minutes=1), START + HOUR, START + timedelta(minutes=61)]})

    ends = moments.select(HOURS.end_of(pl.col("at"))).to_series().to_list()

    assert ends == [START + HOUR, START + HOUR, START + 2 * HOUR]


def test_a_key_has_no_rows_before_its_first_event() -> None:
    table = rolling_sums(_frame([("A", 10, 1), ("B", 250, 1)]), "key", ["delay"], HOURS)

    firsts = dict(table.group_by("key").agg(pl.col("event_timestamp").min()).iter_rows())

    assert firsts == {"A": START + HOUR, "B": START + 5 * HOUR}


def test_a_mean_over_nothing_is_unknown() -> None:
    frame = pl.DataFrame({"sum": [4, 0], "count": [2, 0]})

    assert frame.select(ratio(pl.col("sum"), pl.col("count"))).to_series().to_list() == [2.0, None]


def test_a_grid_has_both_of_its_ends() -> None:
    ends = Buckets(START, START + 2 * HOUR, HOUR).ends()["event_timestamp"].to_list()

    assert ends == [START, START + HOUR, START + 2 * HOUR]
    assert Buckets(START, START, HOUR).ends().height == 1
    assert Buckets(START, START + 119 * HOUR / 60, HOUR).ends().height == 2


def test_events_that_nobody_knows_of_yet_or_without_a_key_are_left_out() -> None:
    frame = _frame([("A", 10, 1)]).vstack(
        _frame([("A", 20, 5)]).with_columns(known=pl.lit(None, pl.Datetime("us", "UTC")))
    )
    frame = frame.vstack(_frame([("A", 30, 7)]).with_columns(key=pl.lit(None, pl.String)))

    table = rolling_sums(frame, "key", ["delay"], HOURS)

    assert table["delay"].to_list() == [1] + [0] * 11


def test_a_grid_that_ends_before_it_starts_is_empty() -> None:
    assert Buckets(START, START - HOUR, HOUR).ends().height == 0
