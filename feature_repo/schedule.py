"""What a ticket says, as features: the one computation that training and serving share.

Moments travel as whole seconds since 1970 (UTC), so that no tool on the way can reinterpret a time zone.
"""

from __future__ import annotations

import pandas as pd

SCHEDULE_FEATURES = ("minute_of_day", "weekday", "scheduled_minutes", "distance_miles")


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
