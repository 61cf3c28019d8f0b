from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from flows.steps.monitoring.config import read_monitoring
from flows.steps.monitoring.events import announce, announce_once, page_of, resource_of, table_of
from flows.steps.monitoring.findings import Batch
from flows.steps.monitoring.monitor import Judge, alerts, judge_month, read_record
from flows.steps.monitoring.month import due_month, read_month
from flows.steps.release.history import scored_months
from flows.steps.release.served_model import ServedModel
from handrail.bootstrap import Platform, open_platform
from handrail.errors import InvalidInput, Refused, Unavailable, UnknownReference
from handrail.feedback import Feedback, Prediction, prediction_id_for
from handrail.settings import Settings
from handrail.use_case import Label, MetricLimit, Metrics, UseCase, read_use_case

ROOT = Path(__file__).parents[3]
CASE = read_use_case(ROOT)
ZONE = CASE.time.zone
DEPLOYMENT = "deploy://local/flights/v1"
FIRST = datetime(2013, 9, 2, 12, tzinfo=UTC)
N = 400


class Miles:
    """A model whose probability is its one number."""

    features = ("carrier", "distance_miles")
    categorical = ("carrier",)
    threshold = 0.5
    feature_service = {"name": "flights_v1"}  # noqa: RUF012 - a stand-in

    def score(self, columns: Any) -> np.ndarray:
        return np.asarray(columns["distance_miles"], dtype=np.float32)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    os.environ["DO_NOT_TRACK"] = "1"
    project = tmp_path / "project"
    shutil.copytree(ROOT / "config", project / "config")
    training = project / "data" / "training"
    training.mkdir(parents=True)
    random = np.random.default_rng(1)
    pl.DataFrame({"carrier": ["AA"] * N, "distance_miles": random.beta(2, 6, N)}).write_parquet(
        training / "train.parquet"
    )
    return Settings(project=project, home=tmp_path / "home", replay=True)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    with open_platform(settings) as opened:
        opened.event_clock.set(datetime(2013, 10, 3, tzinfo=UTC))
        yield opened


def judge_of(settings: Settings, platform: Platform, batches: Sequence[Batch] = (), case: UseCase = CASE) -> Judge:
    def model(_settings: Settings, deployment: str) -> ServedModel:
        return ServedModel(deployment, "sha256:aa", cast("Any", Miles()))

    return Judge(settings, platform, case, read_monitoring(settings.config), model, batches)


@dataclass(frozen=True)
class Seen:
    """A batch as a client measured it."""

    hour: datetime
    failures: int
    latency_ms: float


def forecast(platform: Platform, shape: float = 6, never: int = 0, deployment: str = DEPLOYMENT) -> pl.DataFrame:
    """Record N forecasts of September and all but the first `never` of their outcomes."""
    random = np.random.default_rng(2)
    scores = random.beta(2, shape, N)
    late = scores + random.normal(0, 0.1, N) > 0.3
    moments = [FIRST + timedelta(hours=number) for number in range(N)]
    ids = [f"2013-09-02:AA:{number}:1200:JFK" for number in range(N)]
    names = [prediction_id_for(deployment, *each) for each in zip(ids, moments, strict=True)]
    rows = zip(names, ids, moments, scores.tolist(), strict=True)
    platform.feedback.record_predictions(
        [Prediction(name, deployment, subject, at, score, int(score >= 0.5)) for name, subject, at, score in rows]
    )
    landed = [moment + timedelta(hours=5) for moment in moments]
    platform.feedback.record_feedback(
        [
            Feedback(name, "ground_truth", float(truth), "airport-feed", 0, at, at)
            for name, truth, at in list(zip(names, late, landed, strict=True))[never:]
        ]
    )
    return pl.DataFrame({"flight_id": ids, "carrier": ["AA"] * N, "distance_miles": scores})


def test_a_quiet_month_is_measured_and_kept(settings: Settings, platform: Platform) -> None:
    forecast(platform)

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert [(each["kind"], each["state"]) for each in record["findings"]] == [
        ("drift", "ok"),
        ("performance", "ok"),
        ("health", "ok"),
    ]
    assert record["performance"]["coverage"] == 1.0
    assert record["as_of"] == "2013-10-02T16:00:00+00:00"
    assert [report["name"] for report in record["reports"]] == ["drift", "classification"]
    assert read_record(settings, "2013-09") == json.loads(json.dumps(record))
    assert alerts(record) == []


def test_moved_scores_are_an_alert_with_value_limit_and_objective(settings: Settings, platform: Platform) -> None:
    forecast(platform, shape=16)

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    (alert,) = [each for each in alerts(record) if each["kind"] == "drift"]
    assert alert["value"] > alert["limit"] == 0.25
    assert alert["objective"] == "steady-forecasts"
    assert "beyond the limit 0.25" in " ".join(alert["reasons"])


def test_outcomes_that_never_come_lower_coverage_and_raise_an_alert(settings: Settings, platform: Platform) -> None:
    forecast(platform, never=80)

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert record["performance"]["coverage"] == pytest.approx(0.8)
    assert [each["figure"] for each in alerts(record)] == ["coverage"]


def test_monitoring_twice_gives_the_same_record(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    judge = judge_of(settings, platform)

    assert judge_month(judge, read_month("2013-09", ZONE)) == judge_month(judge, read_month("2013-09", ZONE))


def test_outcomes_of_the_future_change_nothing_as_of_then(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    judge = judge_of(settings, platform)
    before = judge_month(judge, read_month("2013-09", ZONE))
    name = prediction_id_for(DEPLOYMENT, "2013-09-02:AA:0:1200:JFK", FIRST)
    later = datetime(2013, 11, 1, tzinfo=UTC)

    platform.feedback.record_feedback([Feedback(name, "ground_truth", 1.0, "airport-feed", 5, later, later)])

    assert judge_month(judge, read_month("2013-09", ZONE))["snapshot"] == before["snapshot"]


def test_a_month_that_is_not_mature_is_refused(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    platform.event_clock.set(datetime(2013, 10, 1, tzinfo=UTC))

    with pytest.raises(Refused, match="mature at 2013-10-02 16:00Z"):
        judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))


def test_a_month_without_forecasts_is_named(settings: Settings, platform: Platform) -> None:
    with pytest.raises(Unavailable, match="2013-08"):
        judge_month(judge_of(settings, platform), read_month("2013-08", ZONE))


def test_the_deployment_with_most_forecasts_is_judged_and_others_are_counted(
    settings: Settings, platform: Platform
) -> None:
    forecast(platform)
    platform.feedback.record_predictions([Prediction("p", "deploy://local/flights/v0", "x", FIRST, 0.2, 0)])

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert record["deployment"] == DEPLOYMENT
    assert record["forecasts_of_other_deployments"] == 1


def test_a_flight_that_was_forecast_twice_counts_once(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    again = FIRST + timedelta(minutes=30)
    platform.feedback.record_predictions([Prediction("p", DEPLOYMENT, "2013-09-02:AA:0:1200:JFK", again, 0.9, 1)])

    assert judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))["performance"]["predictions"] == N


def test_features_of_the_month_join_the_drift_report(settings: Settings, platform: Platform) -> None:
    features = forecast(platform)
    place = scored_months(settings)
    place.mkdir(parents=True)
    features.write_parquet(place / "2013-09.parquet")

    (drift, _) = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))["reports"]

    (kept,) = (settings.home / "evidently").glob(f"*/snapshots/{drift['run_id']}.json")
    assert "distance_miles" in kept.read_text(encoding="utf-8")


def test_health_comes_from_the_batches_that_a_client_measured(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    batches = [Seen(FIRST, 1, 20.0), Seen(FIRST + timedelta(days=60), 9, 900.0)]

    record = judge_month(judge_of(settings, platform, batches), read_month("2013-09", ZONE))

    assert record["health"] == {
        "batches": 1,
        "failed_attempts": 1,
        "error_share": 0.5,
        "latency_p50_ms": 20.0,
        "latency_p99_ms": 20.0,
    }
    assert [each["kind"] for each in alerts(record)] == ["health"]


def test_without_a_client_health_is_what_the_service_measured(settings: Settings, platform: Platform) -> None:
    platform.feedback.record_predictions(
        [Prediction(f"p{n}", DEPLOYMENT, f"s{n}", FIRST, 0.2, 0, latency_ms=3000.0) for n in range(5)]
    )

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert (record["health"]["batches"], record["health"]["latency_p99_ms"]) == (0, 3000.0)
    assert "latency p99 in ms" in [each["figure"] for each in alerts(record)]


def test_without_tables_the_reports_show_scores_alone(settings: Settings, platform: Platform) -> None:
    forecast(platform)

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert record["features_from"] == "nowhere"
    assert len(record["reports"]) == 2


def numbers(kind: Any = "count") -> UseCase:
    """Return the description with a label that is a number, whose error may be 1 at most."""
    limits = {"rmse": MetricLimit(limit=1.0, objective="steady-forecasts")}
    label = Label(column="riders", kind=kind, feedback="riders")
    return CASE.model_copy(update={"label": label, "metrics": Metrics(main="rmse", margin=0.1, limits=limits)})


def test_numbers_are_judged_by_their_errors(settings: Settings, platform: Platform) -> None:
    with (settings.config / "feedback.yaml").open("a", encoding="utf-8") as file:
        file.write("  riders:\n    maturity_window_hours: 36\n    absence_means: unknown\n")
    random = np.random.default_rng(3)
    truths = random.poisson(5, N)
    scores = (truths + random.normal(2, 0.5, N)).tolist()
    with open_platform(settings) as opened:
        opened.feedback.record_predictions(
            [Prediction(f"p{n}", DEPLOYMENT, f"s{n}", FIRST, score, 0) for n, score in enumerate(scores)]
        )
        opened.feedback.record_feedback(
            [Feedback(f"p{n}", "riders", float(truth), "counter", 0, FIRST, FIRST) for n, truth in enumerate(truths)]
        )

        record = judge_month(judge_of(settings, opened, case=numbers()), read_month("2013-09", ZONE))

    assert record["performance"]["rmse"] == pytest.approx(np.sqrt(np.mean((scores - truths) ** 2)))
    assert {"poisson_deviance", "mae", "r2", "bias", "mean_label"} <= set(record["performance"])
    assert record["figures"]["mean riders"] == pytest.approx(truths.mean())
    assert [each["figure"] for each in alerts(record) if each["kind"] == "performance"] == ["root mean squared error"]
    assert [(report["name"], len(report["tests"])) for report in record["reports"]] == [("drift", 2), ("regression", 1)]


def test_the_page_of_an_earlier_versions_record_still_shows_its_figures(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))
    del record["figures"], record["features_from"]

    assert "| roc auc | 0." in page_of(record)


def test_a_text_that_is_no_month_is_refused() -> None:
    with pytest.raises(InvalidInput, match="2013-13"):
        read_month("2013-13")


def test_a_month_begins_and_ends_at_local_midnight() -> None:
    month = read_month("2013-12", ZONE)

    assert month.start.astimezone(UTC) == datetime(2013, 12, 1, 5, tzinfo=UTC)
    assert month.end.astimezone(UTC) == datetime(2014, 1, 1, 5, tzinfo=UTC)


def test_a_month_that_was_never_monitored_has_no_record(settings: Settings) -> None:
    with pytest.raises(UnknownReference, match="2013-10"):
        read_record(settings, "2013-10")


def test_the_due_month_is_the_newest_mature_one(platform: Platform) -> None:
    forecast(platform)

    assert due_month(platform, CASE) == "2013-09"


def test_an_event_carries_what_an_automation_matches_on(settings: Settings, platform: Platform) -> None:
    forecast(platform, shape=16)
    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert resource_of(record["findings"][0]) == {
        "prefect.resource.id": "handrail.model.flights",
        "prefect.resource.name": "flights",
        "handrail.finding.kind": "drift",
        "handrail.finding.state": "alert",
        "handrail.finding.month": "2013-09",
    }
    assert [row["figure"] for row in table_of(record)][:3] == ["score PSI", "ROC-AUC", "coverage"]
    assert "| coverage | 1.0000 |" in page_of(record)
    assert "As of 2013-10-02T16:00" in page_of(record)


def test_without_a_server_nothing_is_announced(
    settings: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    forecast(platform)

    assert announce(judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))) == 0


def test_a_judgement_is_announced_once_and_a_new_one_again(tmp_path: Path) -> None:
    told: list[str] = []
    record = {"month": "2013-09", "snapshot": "sha256:a", "deployment": "deploy://local/flights/v1"}

    def tell(each: dict[str, Any]) -> int:
        told.append(each["snapshot"])
        return 3

    counts = [announce_once(tmp_path, one, tell) for one in (record, record, record | {"snapshot": "sha256:b"})]

    assert counts == [3, 0, 3]
    assert told == ["sha256:a", "sha256:b"]


def test_what_no_server_took_is_announced_later(tmp_path: Path) -> None:
    record = {"month": "2013-09", "snapshot": "sha256:a", "deployment": "deploy://local/flights/v1"}

    assert announce_once(tmp_path, record, lambda _: 0) == 0
    assert announce_once(tmp_path, record, lambda _: 3) == 3
