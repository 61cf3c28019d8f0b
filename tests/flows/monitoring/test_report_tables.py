from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from flows.steps.data.live import open_live
from flows.steps.monitoring.month import read_month
from flows.steps.monitoring.report_tables import Shown, read_features
from handrail.settings import Settings
from tests.fakes.monitored import CASE, ZONE

ROOT = Path(__file__).parents[3]
SHOWN = Shown(("temp", "distance_miles"), "flights_v1")


def test_without_kept_months_features_are_joined_for_the_subjects_that_the_tables_hold(
    settings: Settings,
) -> None:
    shutil.copy(ROOT / "params.yaml", settings.project)
    live = open_live(settings).rows.filter(pl.col("day") == datetime(2013, 9, 10).date()).head(40)
    asked = pl.DataFrame({"subject": [*live["flight_id"], "somebody else"]})

    found = read_features(settings, CASE, read_month("2013-09", ZONE), asked, SHOWN)

    assert (found.origin, found.reason) == ("joined", None)
    assert found.rows is not None
    assert sorted(found.rows["subject"]) == sorted(live["flight_id"])
    assert found.rows.columns == ["subject", "temp", "distance_miles"]
    assert found.rows["temp"].null_count() == 0


def test_a_kept_month_that_lacks_a_feature_is_not_read(settings: Settings, tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", settings.project)
    live = open_live(settings).rows.filter(pl.col("day") == datetime(2013, 9, 10).date()).head(2)
    live.select("flight_id", temp=pl.lit(-1.0)).write_parquet(tmp_path / "2013-09.parquet")
    asked = live.select(subject="flight_id")
    shown = replace(SHOWN, scored=tmp_path)

    assert read_features(settings, CASE, read_month("2013-09", ZONE), asked, shown).origin == "joined"
    assert (
        read_features(settings, CASE, read_month("2013-09", ZONE), asked, replace(shown, columns=("temp",))).origin
        == "kept"
    )


def test_subjects_that_the_table_lacks_are_the_reason(settings: Settings) -> None:
    shutil.copy(ROOT / "params.yaml", settings.project)

    found = read_features(settings, CASE, read_month("2013-09", ZONE), pl.DataFrame({"subject": ["x"]}), SHOWN)

    assert (found.origin, found.reason) == ("nowhere", "The table holds none of the flights of 2013-09.")


def test_without_a_recorded_time_the_missing_key_is_the_reason(settings: Settings) -> None:
    shutil.copy(ROOT / "params.yaml", settings.project)
    file = settings.project / "config" / "use_case.yaml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("replay:")), encoding="utf-8")

    found = read_features(settings, CASE, read_month("2013-09", ZONE), pl.DataFrame({"subject": ["x"]}), SHOWN)

    assert found.origin == "nowhere"
    assert "it lacks the key 'replay'" in str(found.reason)


def test_a_fault_is_reported_and_no_reason(settings: Settings) -> None:
    shutil.copy(ROOT / "params.yaml", settings.project)
    live = open_live(settings).rows.head(1)
    asked = live.select(subject="flight_id")

    with pytest.raises(Exception, match="flights_v0"):
        read_features(settings, CASE, read_month("2013-09", ZONE), asked, replace(SHOWN, service="flights_v0"))
