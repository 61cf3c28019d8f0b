"""A month judged against a reference with days: drift within a budget, and severity by what it costs."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.steps.monitoring.events import page_of
from flows.steps.monitoring.monitor import alerts, judge_month
from flows.steps.monitoring.month import read_month
from handrail.bootstrap import Platform
from handrail.monitored import INFORMATION, read_alerts
from handrail.settings import Settings
from tests.fakes.monitored import ZONE, forecast, judge_of

WEEKS, A_WEEK = 26, 60


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No tables of the year: only scores are compared here."""
    return tmp_path_factory.mktemp("nothing")


@pytest.fixture
def timed(settings: Settings) -> Settings:
    """Half a year of reference, and a labelled month of validation, both with the time of each row."""
    folder, source = settings.project / "data" / "training", np.random.default_rng(3)
    shutil.copy(folder / "manifest.json", folder / "kept.json")
    for window, first, weeks in (("train", datetime(2013, 1, 1, 17), WEEKS), ("validate", datetime(2013, 7, 1, 17), 4)):
        rows = weeks * A_WEEK
        score = source.beta(2, 6, rows)
        moments = [first.replace(tzinfo=UTC) + timedelta(hours=168 / A_WEEK * number) for number in range(rows)]
        pl.DataFrame(
            {
                "event_timestamp": moments,
                "carrier": ["AA"] * rows,
                "distance_miles": score,
                "late": (source.random(rows) < score).astype(int),
            }
        ).write_parquet(folder / f"{window}.parquet")
    return settings


def judged(settings: Settings, platform: Platform) -> dict[str, Any]:
    return judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))


def drift_of(record: dict[str, Any]) -> dict[str, Any]:
    (found,) = [each for each in record["findings"] if each["kind"] == "drift"]
    return found


def test_a_quiet_month_names_nothing(timed: Settings, platform: Platform) -> None:
    forecast(platform)

    record = judged(timed, platform)

    assert (record["drift"]["rule"], record["drift"]["named"], record["drift"]["loss"]) == ("budget", [], None)
    assert (record["drift"]["units"], record["drift"]["reference_units"]) == (2, WEEKS)
    assert drift_of(record)["state"] == "ok"


def test_scores_that_fell_are_an_alert_where_they_cost_ranking_and_the_same_again(
    timed: Settings, platform: Platform
) -> None:
    forecast(platform, shape=16)

    record = judged(timed, platform)

    assert record["drift"]["named"] == ["score"]
    assert record["drift"]["loss"]["basis"] == "estimated"
    assert record["drift"]["loss"]["value"] > 0.01
    assert "drift" in [each["kind"] for each in alerts(record)]
    assert "evidence of drift in score" in page_of(record)
    assert judged(timed, platform) == record


def test_drift_that_costs_nothing_is_information_and_no_alert(timed: Settings, platform: Platform) -> None:
    rules = (timed.config / "monitoring.yaml").read_text(encoding="utf-8")
    changed = rules.replace("loss: {limit: 0.01", "loss: {limit: 0.9")
    (timed.config / "monitoring.yaml").write_text(changed, encoding="utf-8")
    forecast(platform, shape=16)

    record = judged(timed, platform)

    assert drift_of(record)["state"] == "information"
    assert "drift" not in [each["kind"] for each in alerts(record)]
    assert [(each.kind, len(each.sentences)) for each in read_alerts(timed.home, INFORMATION)] == [("drift", 2)]
    assert [each.kind for each in read_alerts(timed.home)] == [each["kind"] for each in alerts(record)]


def test_without_labelled_rows_of_validation_drift_alarms(timed: Settings, platform: Platform) -> None:
    (timed.project / "data" / "training" / "validate.parquet").unlink()
    forecast(platform, shape=16)

    record = judged(timed, platform)

    assert record["drift"]["loss"]["value"] is None
    assert drift_of(record)["state"] == "alert"
    assert "possible loss of roc_auc is not known" in " ".join(drift_of(record)["reasons"])


def test_the_record_holds_what_later_months_compare(timed: Settings, platform: Platform) -> None:
    forecast(platform)

    kept = json.loads(json.dumps(judged(timed, platform)))["drift"]["summaries"]

    assert kept["first"] == ["2013-09-02", "2013-09-09"]
    assert len(kept["columns"]["score"]["level"]) == 2
