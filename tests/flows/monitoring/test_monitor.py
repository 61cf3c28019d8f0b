from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from flows.steps.monitoring.events import page_of
from flows.steps.monitoring.monitor import alerts, judge_month, read_record
from flows.steps.monitoring.month import due_month, read_month
from flows.steps.replay.log import scored_months
from handrail.bootstrap import Platform
from handrail.errors import InvalidInput, Refused, Unavailable, UnknownReference
from handrail.feedback import Feedback, Prediction, prediction_id_for
from handrail.settings import Settings
from tests.fakes.monitored import CASE, DEPLOYMENT, FIRST, ZONE, N, Seen, forecast, judge_of


def test_a_quiet_month_is_measured_and_kept(settings: Settings, platform: Platform) -> None:
    forecast(platform)

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert [(each["kind"], each["state"]) for each in record["findings"]] == [
        ("drift", "ok"),
        ("performance", "ok"),
        ("business", "ok"),
    ]
    assert record["health"]["error_share"] is None
    assert record["performance"]["coverage"] == 1.0
    assert record["as_of"] == "2013-10-02T16:00:00+00:00"
    assert [report["name"] for report in record["reports"]] == ["2013-09 drift", "2013-09 classification"]
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
    place = scored_months(settings.home)
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
    (health,) = [each for each in record["findings"] if each["kind"] == "health"]
    assert [(check["figure"], check["holds"]) for check in health["checks"]] == [("latency p99 in ms", False)]


def test_without_tables_the_reports_show_scores_alone(settings: Settings, platform: Platform) -> None:
    forecast(platform)

    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert record["features_from"] == "nowhere"
    assert record["features_missing"].startswith("params.yaml: it is missing.")
    assert f"Features of the month are not shown. {record['features_missing']}" in page_of(record)
    assert len(record["reports"]) == 2


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
