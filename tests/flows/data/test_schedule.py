"""The features of a ticket: over lists, as they are registered now, they are what they were over frames."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feast.transformation.udf_rehydrate import rehydrate_udf_from_source
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.definitions import build
from feature_repo.schedule import SCHEDULE_FEATURES, request_fields, schedule_columns, schedule_features

# pytz, which pandas asks, knows no change of the clock after 2037.
SECONDS = st.integers(0, int(datetime(2037, 1, 1, tzinfo=UTC).timestamp()))
MOMENTS = ["sched_dep_s", "sched_arr_s"]
TICKET = st.tuples(SECONDS, SECONDS, st.none() | st.floats(allow_infinity=False))


def as_lists(tickets: list[Any]) -> dict[str, list[Any]]:
    return dict(zip(("sched_dep_s", "sched_arr_s", "distance"), map(list, zip(*tickets, strict=True)), strict=True))


def numbers(values: Any) -> list[Any]:
    """Return values as bits, of which every missing one has the same."""
    plain = [np.nan if value is None or value != value else value for value in values]
    return np.asarray(plain, dtype=np.float64).view(np.int64).tolist()


@given(st.lists(TICKET, min_size=1, max_size=20))
def test_lists_give_the_bits_that_frames_gave(tickets: list[Any]) -> None:
    asked = as_lists(tickets)

    made = schedule_columns(asked)

    framed = schedule_features(pd.DataFrame(asked).astype({"distance": "float64"}))
    assert tuple(made) == SCHEDULE_FEATURES == tuple(framed.columns)
    assert {name: numbers(made[name]) for name in made} == {name: numbers(framed[name]) for name in made}


@given(
    st.lists(TICKET, min_size=1, max_size=20), st.lists(st.sampled_from(["sched_dep_s", "sched_arr_s"]), max_size=40)
)
def test_a_missing_moment_leaves_what_needs_it_unknown_and_no_more(tickets: list[Any], gaps: list[str]) -> None:
    asked, whole = as_lists(tickets), schedule_columns(as_lists(tickets))
    for place, name in enumerate(gaps):
        asked[name][place % len(tickets)] = (None, float("nan"))[place % 2]

    made = schedule_columns(asked)

    needs = {
        "minute_of_day": ["sched_dep_s"],
        "scheduled_minutes": ["sched_dep_s", "sched_arr_s"],
        "distance_miles": [],
    }
    for row in range(len(tickets)):
        lacking = {name for name in MOMENTS if not isinstance(asked[name][row], int)}
        for name, needed in needs.items():
            assert made[name][row] == (None if lacking & set(needed) else whole[name][row])


@pytest.mark.parametrize(
    ("moment", "minute", "weekday"),
    [
        # The clocks go forward on the 10th of March 2013 at 7:00 UTC, and back on the 3rd of November at 6:00 UTC.
        (datetime(2013, 3, 10, 6, 59, tzinfo=UTC), 119.0, 7.0),
        (datetime(2013, 3, 10, 7, 0, tzinfo=UTC), 180.0, 7.0),
        (datetime(2013, 11, 3, 5, 59, tzinfo=UTC), 119.0, 7.0),
        (datetime(2013, 11, 3, 6, 0, tzinfo=UTC), 60.0, 7.0),
        (datetime(2013, 11, 4, 4, 59, tzinfo=UTC), 1439.0, 7.0),
        (datetime(2013, 11, 4, 5, 0, tzinfo=UTC), 0.0, 1.0),
    ],
)
def test_the_clock_is_that_of_new_york(moment: datetime, minute: float, weekday: float) -> None:
    made = schedule_columns(request_fields([{"sched_dep": moment, "sched_arr": moment, "distance": 1}]))

    assert (made["minute_of_day"], made["weekday"]) == ([minute], [weekday])


def test_the_registered_text_alone_computes_the_same() -> None:
    """Feast runs a function from its text, without the imports of the file that it was written in."""
    (view,) = (thing for thing in build("/anywhere") if thing.name == "schedule_v2")
    alone = rehydrate_udf_from_source(view.feature_transformation.udf_string)
    asked = {"sched_dep_s": [1375366500], "sched_arr_s": [1375377540], "distance": [1400.0]}

    assert alone is not None
    assert alone is not schedule_columns
    assert alone(asked) == schedule_columns(asked)
