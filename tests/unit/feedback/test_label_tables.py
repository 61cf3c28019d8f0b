"""Cohorts by columns: tables of a window or a snapshot, and figures that are made of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback import Clusters, Scope
from handrail.feedback.domain.snapshots import SnapshotChanged
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_log, a_prediction, an_outcome, memory_stores

LATER = GO_LIVE + timedelta(days=60)
SCOPE = Scope("ground_truth", GO_LIVE, GO_LIVE + timedelta(days=31), LATER)


def a_filled_log(outcomes=lambda number: number % 3 == 0):
    log, predictions = a_log(), [a_prediction(number, subject=f"s{number % 7}") for number in range(60)]
    log.record_predictions(predictions)
    log.record_feedback([an_outcome(each, float(outcomes(n))) for n, each in enumerate(predictions) if n % 4])
    return log


@pytest.mark.parametrize("by", ["day", "subject", "prediction"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "mae"])
def test_a_figure_by_parts_is_that_of_the_cohort(metric, by, zone):
    log, clusters = a_filled_log(), Clusters(by, zone)
    cohort = log.cohort(None, "ground_truth", SCOPE.start, SCOPE.end, LATER)

    judged = log.labels.judge(SCOPE, metric, clusters)

    assert judged.figure == log.figure(cohort, metric, clusters)
    assert judged.figure.subjects == 45
    assert judged.deployments == (DEPLOYMENT,)


def test_without_an_outcome_there_is_no_figure():
    log = a_log()
    log.record_predictions([a_prediction(0)])

    found = log.labels.judge(SCOPE, "accuracy")

    assert (found.figure.value, found.figure.low, found.figure.predictions, found.figure.coverage) == (None, None, 1, 0)
    assert log.labels.judge(replace(SCOPE, deployment="deploy://local/none/1"), "accuracy").deployments == ()


def test_labels_that_a_metric_does_not_judge_are_named():
    log = a_log(kinds=[replace(a_log().kind("ground_truth"), values=())])
    log.record_predictions([a_prediction(0)])
    log.record_feedback([an_outcome(a_prediction(0), 2.0)])

    with pytest.raises(InvalidInput, match="one is 2"):
        log.labels.judge(SCOPE, "roc_auc")
    with pytest.raises(InvalidInput, match="no metric 'best'"):
        log.labels.judge(SCOPE, "best")


def test_a_snapshot_is_read_as_it_was_taken():
    log = a_filled_log()
    taken = log.snapshot("ground_truth", SCOPE.start, SCOPE.end, LATER)
    log.record_feedback([an_outcome(a_prediction(0, subject="s0"))])

    (table,) = log.labels.of_snapshot(taken.digest)

    assert table.column("label").to_pylist() == list(log.snapshot_cohort(taken.digest).label)
    with pytest.raises(UnknownReference, match="handrail feedback status"):
        log.labels.of_snapshot("sha256:none")


@pytest.mark.parametrize("change", [{"value": 0.0}, {"revision": 3}, {"item": "a"}])
def test_an_altered_row_under_a_snapshot_is_noticed_before_a_label_is_given(change):
    stores = memory_stores()
    log, prediction = a_log(stores), a_prediction(0)
    log.record_predictions([prediction])
    log.record_feedback([an_outcome(prediction)])
    taken = log.snapshot("ground_truth", SCOPE.start, SCOPE.end, LATER)
    (name,) = stores.events.log.rows
    stores.events.log.rows[name] = replace(stores.events.log.rows[name], **change)

    with pytest.raises(SnapshotChanged):
        log.labels.of_snapshot(taken.digest)


def test_a_window_without_predictions_has_no_table():
    assert list(a_log().labels.of_window("ground_truth", SCOPE.start, SCOPE.end, LATER)) == []
