from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.steps.data.live import open_live
from flows.steps.monitoring.month import read_month
from flows.steps.monitoring.report_tables import read_features
from handrail.settings import Settings
from tests.fakes.monitored import ZONE


def test_without_kept_months_features_are_joined_for_the_subjects_that_the_tables_hold(
    settings: Settings, tmp_path: Path
) -> None:
    shutil.copy(Path(__file__).parents[3] / "params.yaml", settings.project)
    live = open_live(settings).rows.filter(pl.col("day") == datetime(2013, 9, 10).date()).head(40)
    asked = pl.DataFrame({"subject": [*live["flight_id"], "somebody else"]})

    found, origin = read_features(
        settings, read_month("2013-09", ZONE), asked, ("temp", "distance_miles"), "flights_v1"
    )

    assert origin == "joined"
    assert found is not None
    assert sorted(found["subject"]) == sorted(live["flight_id"])
    assert found.columns == ["subject", "temp", "distance_miles"]
    assert found["temp"].null_count() == 0
