"""What a ticket says, as features: the one computation that training and serving share.

Moments travel as whole seconds since 1970 (UTC), so that no tool on the way can reinterpret a time zone. Feast runs
functions from their registered text, where no import of this file is known: they import themselves what they need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from handrail.errors import InvalidInput

SCHEDULE_FEATURES = ("minute_of_day", "weekday", "scheduled_minutes", "distance_miles")


def schedule_columns(inputs: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    """Turn `sched_dep_s`, `sched_arr_s` (seconds UTC) and `distance` (miles) into `SCHEDULE_FEATURES`, row by row.

    `minute_of_day` and `weekday` (Monday is 1) are local to New York; all are floats, None where an input is missing
    (None, NaN). There is no month on purpose: a model of half a year would learn it by heart.
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("America/New_York")
    departures = [at if at == at else None for at in inputs["sched_dep_s"]]
    arrivals = [at if at == at else None for at in inputs["sched_arr_s"]]
    local = [None if at is None else datetime.fromtimestamp(at, zone) for at in departures]
    return {
        "minute_of_day": [None if at is None else float(at.hour * 60 + at.minute) for at in local],
        "weekday": [None if at is None else float(at.isoweekday()) for at in local],
        "scheduled_minutes": [
            None if begin is None or end is None else float((end - begin) // 60)
            for begin, end in zip(departures, arrivals, strict=True)
        ],
        "distance_miles": [None if miles is None or miles != miles else float(miles) for miles in inputs["distance"]],
    }


def schedule_features(inputs: pd.DataFrame) -> pd.DataFrame:
    """Turn `sched_dep_s`, `sched_arr_s` (seconds UTC) and `distance` (miles) into `SCHEDULE_FEATURES`, row by row.

    `minute_of_day` and `weekday` (Monday is 1) are local to New York; all are float64. There is no month on
    purpose: a model of half a year would learn it by heart.
    """
    departure = pd.to_datetime(inputs["sched_dep_s"], unit="s", utc=True).dt.tz_convert("America/New_York")
    return pd.DataFrame(
        {
            "minute_of_day": (departure.dt.hour * 60 + departure.dt.minute).astype("float64"),
            "weekday": departure.dt.dayofweek.astype("float64") + 1,
            "scheduled_minutes": (inputs["sched_arr_s"] - inputs["sched_dep_s"]).astype("float64") // 60,
            "distance_miles": inputs["distance"].astype("float64"),
        }
    )


def request_fields(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return what `schedule_columns` takes, from request items with `sched_dep`, `sched_arr` and `distance` (miles).

    Raises:
        InvalidInput: an item lacks one of them, or a moment has no time zone.
    """
    fields = {
        "sched_dep_s": [_seconds(row, "sched_dep") for row in rows],
        "sched_arr_s": [_seconds(row, "sched_arr") for row in rows],
    }
    try:
        return fields | {"distance": [float(row["distance"]) for row in rows]}
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidInput("distance", "it is missing or no number", "Give it in miles.") from err


def _seconds(row: Mapping[str, Any], field: str) -> int:
    moment = row.get(field)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInput(field, f"{moment!r} is not a moment with a time zone", "Give it in UTC.")
    return int(moment.timestamp())
