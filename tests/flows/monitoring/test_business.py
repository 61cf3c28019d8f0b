"""What predictions cost, by month: an alert only where the whole interval is beyond the limit."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from flows.steps.monitoring.business import business_finding, check_business_limits, read_brought
from flows.steps.monitoring.config import read_monitoring
from flows.steps.monitoring.findings import Subject
from flows.steps.monitoring.monitor import alerts, judge_month
from flows.steps.monitoring.month import read_forecasts, read_month
from handrail.bootstrap import Platform
from handrail.errors import Misconfigured
from handrail.feedback import Feedback, Prediction, prediction_id_for
from handrail.objectives import read_objectives
from handrail.refs import FeedbackSnapshot
from handrail.settings import Settings
from handrail.use_case import Limit
from tests.fakes.monitored import CASE, DEPLOYMENT, FIRST, ZONE, N, forecast, judge_of

MONTH = read_month("2013-09", ZONE)
OTHER = "deploy://local/flights/v0"


def _bill(platform: Platform, amounts: np.ndarray, deployment: str = DEPLOYMENT) -> None:
    """Report what each of the first predictions of `forecast` cost, two hours after it was made."""
    moments = [FIRST + timedelta(hours=number) for number in range(len(amounts))]
    ids = [f"2013-09-02:AA:{number}:1200:JFK" for number in range(len(amounts))]
    platform.feedback.record_feedback(
        [
            Feedback(
                prediction_id_for(deployment, name, at),
                "rebooking_cost",
                float(amount),
                "billing",
                0,
                at + timedelta(hours=2),
                at + timedelta(hours=2),
                unit="USD",
                item="tickets",
            )
            for name, at, amount in zip(ids, moments, amounts, strict=True)
        ]
    )


def _found(settings: Settings, platform: Platform, limit: Limit | None = None):
    rules, objectives = read_monitoring(settings.config), read_objectives(settings.config)
    if limit:
        rules = rules.model_copy(update={"business": {"rebooking_cost": limit}})
    forecasts = read_forecasts(platform, MONTH, CASE)
    brought = read_brought(platform, rules, MONTH, forecasts)
    subject = Subject("flights", MONTH.name, forecasts.as_of, forecasts.snapshot)
    return brought, business_finding(subject, brought, rules, objectives)


def test_costs_that_are_surely_beyond_the_limit_alert_and_cite_the_objective(
    settings: Settings, platform: Platform
) -> None:
    forecast(platform)
    _bill(platform, np.full(N, 400.0) + np.arange(N) % 7)

    record = judge_month(judge_of(settings, platform), MONTH)

    (alert,) = [each for each in alerts(record) if each["kind"] == "business"]
    assert alert["objective"] == "bearable-costs"
    assert alert["value"] == record["business"]["rebooking_cost"]["low"] > alert["limit"] == 300
    assert "mean rebooking cost in USD (lower end of its 95 % interval) is 40" in alert["reasons"][0]
    assert "business-stakeholder" in alert["reasons"][0]


def test_a_mean_beyond_the_limit_whose_interval_is_not_is_no_alert(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    one_bad_day = np.zeros(N)
    one_bad_day[24:48] = 8000.0
    _bill(platform, one_bad_day)

    (brought,), finding = _found(settings, platform)

    assert brought.figure.value is not None
    assert brought.figure.value > 300
    assert (finding.state, finding.value) == ("ok", brought.figure.low)


def test_silence_costs_nothing_once_the_window_of_the_kind_has_ended(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    _bill(platform, np.full(100, 50.0))

    (brought,), _ = _found(settings, platform)

    # All 400 predictions were made more than 120 hours before the month was judged; 300 brought no bill.
    assert (brought.figure.subjects, brought.figure.value) == (N, pytest.approx(12.5))


def test_a_prediction_whose_window_is_open_is_left_out(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    last = MONTH.end - timedelta(hours=1)
    name = prediction_id_for(DEPLOYMENT, "late in the month", last)
    platform.feedback.record_predictions([Prediction(name, DEPLOYMENT, "late in the month", last, 0.5, 1)])
    bill = Feedback(name, "rebooking_cost", 1e6, "billing", 0, last, last, unit="USD", item="tickets")
    platform.feedback.record_feedback([bill])

    (brought,), _ = _found(settings, platform)

    assert (brought.figure.subjects, brought.figure.value) == (N, 0.0)


def test_what_another_deployment_cost_is_not_counted(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    at = FIRST + timedelta(minutes=30)
    name = prediction_id_for(OTHER, "another", at)
    platform.feedback.record_predictions([Prediction(name, OTHER, "another", at, 0.5, 1)])
    platform.feedback.record_feedback(
        [Feedback(name, "rebooking_cost", 1e6, "billing", 0, at, at, unit="USD", item="tickets")]
    )

    (brought,), _ = _found(settings, platform)

    assert brought.figure.value == 0.0


def test_where_more_is_better_the_upper_end_is_held_against_the_limit(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    _bill(platform, np.arange(N) % 100.0)

    (brought,), finding = _found(settings, platform, Limit(limit=200, objective="ranking"))

    assert (finding.state, finding.value) == ("alert", brought.figure.high)
    assert "upper end" in finding.reasons[0]


def test_one_day_has_no_interval_and_decides_nothing(settings: Settings, platform: Platform) -> None:
    at = FIRST
    name = prediction_id_for(DEPLOYMENT, "alone", at)
    platform.feedback.record_predictions([Prediction(name, DEPLOYMENT, "alone", at, 0.5, 1)])
    platform.feedback.record_feedback(
        [Feedback(name, "rebooking_cost", 1e6, "billing", 0, at, at, unit="USD", item="tickets")]
    )

    (brought,), finding = _found(settings, platform)

    assert (brought.figure.value, finding) == (1e6, None)


def test_the_snapshot_behind_the_figure_is_recorded_with_its_deployment(settings: Settings, platform: Platform) -> None:
    forecast(platform)

    (brought,), _ = _found(settings, platform)

    assert platform.feedback.knows_snapshot(brought.snapshot)
    nodes = platform.lineage.trace(FeedbackSnapshot(brought.snapshot).artifact.uri).nodes
    assert DEPLOYMENT in {node.uri for node in nodes}


def test_a_limit_on_a_kind_without_numbers_is_refused_by_name(settings: Settings, platform: Platform) -> None:
    rules = read_monitoring(settings.config)
    wrong = rules.model_copy(update={"business": {"ground_truth": Limit(limit=1, objective="bearable-costs")}})

    with pytest.raises(Misconfigured, match=r"business\.ground_truth") as refused:
        check_business_limits(wrong, platform)

    assert "rating, rebooking_cost" in str(refused.value)


def test_a_limit_whose_objective_nobody_named_is_refused(settings: Settings) -> None:
    file = settings.config / "monitoring.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("bearable-costs", "lower-costs"), encoding="utf-8")

    with pytest.raises(Misconfigured, match=r"business\.rebooking_cost"):
        read_monitoring(settings.config)
