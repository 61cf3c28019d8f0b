"""A feedback snapshot as a dataset of Evidently."""

from dataclasses import replace
from datetime import timedelta

import pytest
from evidently import Report
from evidently.metrics import MAE, Accuracy, RocAuc, RowCount

from handrail.evidently import snapshot_dataset
from handrail.feedback.domain.snapshots import SnapshotChanged
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, a_log, a_prediction, an_outcome, memory_stores

LATE = GO_LIVE + timedelta(days=60)
MADE = [a_prediction(number) for number in range(40)]


def a_snapshot(stores, **rules):
    log = a_log(stores, kinds=[replace(GROUND_TRUTH, **rules)])
    log.record_predictions(MADE)
    log.record_feedback([an_outcome(each, float(n % 3 == 0)) for n, each in enumerate(MADE) if n % 4])
    return log, log.snapshot("ground_truth", GO_LIVE, LATE, LATE)


def values(dataset, *metrics):
    found = Report([RowCount(), *metrics]).run(dataset, None).dict()["metrics"]
    return [each["value"] for each in found]


def test_a_report_over_it_has_the_figures_of_the_snapshot():
    log, taken = a_snapshot(memory_stores())
    cohort = log.snapshot_cohort(taken.digest)

    rows, accuracy, area = values(
        snapshot_dataset(log, taken.digest), Accuracy(classification_name="decision"), RocAuc()
    )

    assert rows == 30
    assert accuracy == pytest.approx(log.figure(cohort, "accuracy").value)
    assert area == pytest.approx(log.figure(cohort, "roc_auc").value)


def test_numbers_are_a_regression_and_more_values_are_classes():
    log, taken = a_snapshot(memory_stores(), values=())
    numbers = snapshot_dataset(log, taken.digest)
    figure = log.figure(log.snapshot_cohort(taken.digest), "mae").value
    log, taken = a_snapshot(memory_stores(), values=(0.0, 1.0, 2.0))
    classes = snapshot_dataset(log, taken.digest)

    mean = values(numbers, MAE())[1]
    assert (mean["mean"] if isinstance(mean, dict) else mean) == pytest.approx(figure)
    assert values(classes, Accuracy())[1] == pytest.approx(
        log.figure(log.snapshot_cohort(taken.digest), "accuracy").value
    )


def test_altered_rows_are_no_dataset():
    stores = memory_stores()
    log, taken = a_snapshot(stores)
    name = MADE[3].prediction_id
    stores.predictions.log.rows[name] = replace(MADE[3], score=0.9)

    with pytest.raises(SnapshotChanged):
        snapshot_dataset(log, taken.digest)
