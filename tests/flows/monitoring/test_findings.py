from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from flows.steps.monitoring.config import read_monitoring, read_objectives
from flows.steps.monitoring.drift import Drift
from flows.steps.monitoring.findings import (
    Health,
    Performance,
    Subject,
    drift_finding,
    health_finding,
    measure,
    performance_finding,
)
from flows.steps.monitoring.loss import Loss, MonthDrift
from handrail.statistics import Answers, stability_index
from handrail.use_case import read_use_case

CONFIG = Path(__file__).parents[3] / "config"
CASE = read_use_case(CONFIG.parent)
RULES, OBJECTIVES = read_monitoring(CONFIG), read_objectives(CONFIG)
AS_OF = datetime(2013, 10, 2, 16, tzinfo=UTC)
SUBJECT = Subject("flights", "2013-09", AS_OF, "sha256:abc")


def cohort(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    scores = random.beta(2, 6, n)
    return scores, (random.random(n) < scores).astype(float)


def measured(scores: np.ndarray, labels: np.ndarray, mature: np.ndarray) -> Performance:
    return measure(Answers(scores), labels, mature, AS_OF, "binary")


@given(st.lists(st.floats(0, 1), min_size=20, max_size=200))
def test_scores_have_not_moved_against_themselves(values: list[float]) -> None:
    scores = np.array(values)

    assert stability_index(scores, scores, 10) == pytest.approx(0)


def test_a_shift_of_one_decile_gives_the_hand_computed_index() -> None:
    reference = np.repeat(np.arange(10) / 10, 100)
    current = np.repeat(np.arange(1, 10) / 10, 100)
    shares = np.array([0, *[1 / 9] * 9]) + 1e-4
    expected = float(np.sum((shares - 0.1001) * np.log(shares / 0.1001)))

    assert stability_index(reference, current, 10) == pytest.approx(expected)


def test_scores_outside_the_reference_still_count() -> None:
    reference = np.linspace(0.4, 0.6, 1000)

    assert stability_index(reference, np.full(100, 0.99), 10) > 1


def test_immature_predictions_change_no_figure() -> None:
    scores, labels = cohort()
    mature = np.arange(len(scores)) < 3000

    seen = measured(scores, labels, mature)
    alone = measured(scores[:3000], labels[:3000], np.ones(3000, bool))

    assert seen.metrics == alone.metrics
    assert (seen.predictions, seen.mature, seen.labelled) == (4000, 3000, 3000)


def test_coverage_is_the_labelled_share_of_the_mature() -> None:
    scores, labels = cohort()
    labels[:400] = np.nan

    assert measured(scores, labels, np.ones(4000, bool)).coverage == pytest.approx(0.9)


def test_no_mature_outcome_gives_no_figures_and_an_alert() -> None:
    scores, labels = cohort()

    seen = measured(scores, labels, np.zeros(4000, bool))
    finding = performance_finding(SUBJECT, seen, CASE, RULES, OBJECTIVES)

    assert (seen.metrics["roc_auc"], seen.coverage) == (None, None)
    assert finding.state == "alert"
    assert "is not known" in finding.reasons[0]


def test_one_label_alone_gives_no_ranking_figure() -> None:
    seen = measured(np.array([0.1, 0.2]), np.array([0.0, 0.0]), np.ones(2, bool))

    assert (seen.metrics["roc_auc"], seen.metrics["base_rate"]) == (None, 0.0)


def test_a_drift_alert_cites_value_limit_and_objective() -> None:
    finding = drift_finding(SUBJECT, 0.35, RULES, OBJECTIVES)

    assert (finding.state, finding.value, finding.limit) == ("alert", 0.35, 0.25)
    assert finding.objective == "steady-forecasts"
    assert finding.as_json()["reasons"] == [
        "score PSI is 0.350, beyond the limit 0.25; objective 'steady-forecasts' (target 0.1) belongs to the "
        "data-scientist."
    ]


def test_a_value_on_the_limit_is_in_order() -> None:
    assert drift_finding(SUBJECT, 0.25, RULES, OBJECTIVES).state == "ok"


def moved(*named: str, loss: Loss | None = None) -> MonthDrift:
    evidence = {"score": 400.0 if "score" in named else 1.0, "temp": 900.0 if "temp" in named else 1.0}
    return MonthDrift(Drift(1 / 12, evidence, named, 4, 26), loss)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (moved(), "ok"),
        (moved("temp", loss=Loss("roc_auc", 0.002, -0.01, 0.01, "estimated")), "information"),
        (moved("temp", loss=Loss("roc_auc", 0.01, 0.0, 0.02, "estimated")), "information"),
        (moved("score", loss=Loss("roc_auc", 0.035, 0.02, 0.05, "estimated")), "alert"),
        (moved("score", loss=Loss("roc_auc", reason="nobody labelled anything")), "alert"),
    ],
    ids=["nothing", "harmless", "on the limit", "harmful", "unknown loss"],
)
def test_drift_alarms_by_the_harm_that_it_does(found: MonthDrift, state: str) -> None:
    assert drift_finding(SUBJECT, 9.9, RULES, OBJECTIVES, found).state == state, "whatever the index is"


def test_a_drift_finding_says_what_moved_and_what_that_costs() -> None:
    found = drift_finding(SUBJECT, 0.1, RULES, OBJECTIVES, moved("score", loss=Loss("roc_auc", 0.035)))

    assert found.as_json()["reasons"] == [
        "evidence of drift in score is 200.000, beyond the limit 12; objective 'steady-forecasts' (target 0.1) belongs "
        "to the data-scientist.",
        "possible loss of roc_auc is 0.035, beyond the limit 0.01; objective 'harmless-drift' (target 0) belongs to "
        "the data-scientist.",
    ]


def test_where_no_budget_can_be_kept_the_index_of_the_scores_decides() -> None:
    unjudged = MonthDrift(Drift(1 / 12, reason="The reference is short."), None)

    assert drift_finding(SUBJECT, 0.35, RULES, OBJECTIVES, unjudged).state == "alert"
    assert drift_finding(SUBJECT, 0.05, RULES, OBJECTIVES, unjudged).state == "ok"


def test_thin_coverage_alerts_though_the_ranking_is_fine() -> None:
    scores, labels = cohort()
    labels[:1000] = np.nan

    finding = performance_finding(SUBJECT, measured(scores, labels, np.ones(4000, bool)), CASE, RULES, OBJECTIVES)

    assert (finding.state, finding.figure) == ("alert", "coverage")


def test_nothing_is_said_about_the_health_of_a_month_that_nobody_measured() -> None:
    assert health_finding(SUBJECT, Health(0, 0, None, None, None), RULES, OBJECTIVES) is None


@pytest.mark.parametrize(
    ("seen", "figures"),
    [
        (Health(0, 0, None, 20.0, 30.0), ["latency p99 in ms"]),
        (Health(100, 0, 0.0, None, None), ["share of failed attempts"]),
        (Health(100, 0, 0.0, 20.0, 30.0), ["share of failed attempts", "latency p99 in ms"]),
    ],
)
def test_health_is_judged_by_what_was_measured(seen: Health, figures: list[str]) -> None:
    finding = health_finding(SUBJECT, seen, RULES, OBJECTIVES)

    assert finding is not None
    assert (finding.state, [check.figure for check in finding.checks]) == ("ok", figures)


def test_slow_answers_are_a_health_alert() -> None:
    finding = health_finding(SUBJECT, Health(100, 0, 0.0, 20.0, 9000.0), RULES, OBJECTIVES)

    assert finding is not None
    assert (finding.state, finding.figure) == ("alert", "latency p99 in ms")


def test_the_figures_are_those_of_scikit_learn() -> None:
    scores, labels = cohort()

    found = measured(scores, labels, np.ones(4000, bool)).metrics

    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["log_loss"] == pytest.approx(log_loss(labels, scores))
    assert found["log_loss_of_prior"] == pytest.approx(log_loss(labels, np.full(4000, labels.mean())))


def test_classes_are_judged_by_what_was_answered() -> None:
    labels, predicted = np.array([0.0, 1.0, 2.0, 2.0]), np.array([0, 1, 2, 0])

    seen = measure(Answers(np.full(4, 0.5), predicted), labels, np.ones(4, bool), AS_OF, "multiclass")

    assert (seen.metrics["accuracy"], seen.metrics["largest_share"]) == (0.75, 0.5)
