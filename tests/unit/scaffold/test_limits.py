"""The limit of a new project's main metric: a constant does not pass it, what comes after go-live does not move it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from handrail.errors import InvalidInput
from handrail.scaffold.limits import Fields, metric_limit
from handrail.scaffold.windows import Windows

START = datetime(2024, 1, 1, tzinfo=UTC)
TRAIN_UNTIL, GO_LIVE = date(2024, 1, 6), date(2024, 1, 9)
WINDOWS = Windows(
    START.date(), TRAIN_UNTIL, GO_LIVE,
    *(datetime(2024, 1, day, tzinfo=UTC) for day in (9, 16, 17)), note="",
)  # fmt: skip


def _limit(labels, kind, metric, delay=timedelta()):
    times = [START + timedelta(days=day) for day in range(len(labels))]
    frame = pl.LazyFrame({"at": times, "known": [each + delay for each in times], "y": labels})
    return metric_limit(frame, Fields("at", "known", "y", "UTC"), WINDOWS, kind, metric)


@pytest.mark.parametrize("kind", ["regression", "count"])
def test_predicting_the_training_mean_does_not_pass_the_limit_of_numbers(kind):
    found = _limit([2, 4, 2, 4, 3, 5, 1, 5], kind, "rmse")

    assert found.value == pytest.approx(0.9 * 2)
    assert "The limit of rmse is 1.8, below the 2 that the mean, 3, reaches" in found.note


@pytest.mark.parametrize("later", [[3] * 7, [1000] * 7])
def test_what_comes_after_go_live_does_not_move_the_limit(later):
    before = [2, 4, 2, 4, 3, 5, 1, 5]

    assert _limit(before + later, "count", "rmse") == _limit(before, "count", "rmse")


def test_a_label_that_is_not_known_at_go_live_does_not_count():
    labels = [2, 4, 2, 4, 3, 5, 1, 900]

    found = _limit(labels, "count", "rmse", delay=timedelta(days=1, hours=1))

    assert found == _limit(labels[:7], "count", "rmse", delay=timedelta(days=1, hours=1))


def test_answering_the_commonest_class_does_not_pass_the_limit_of_classes():
    found = _limit(["a", "a", "a", "b", "c", "a", "b", "b"], "multiclass", "accuracy")

    assert found.value == pytest.approx(1 - 0.9 * 2 / 3, abs=1e-3)
    assert "above the 0.3333 that 'a', the class seen most in training, reaches" in found.note


def test_a_rare_other_class_leaves_room_between_the_constant_and_the_limit():
    days = [START + timedelta(days=1)] * 5 + [START + timedelta(days=6)] * 2000
    labels = ["a"] * 2004 + ["b"]
    frame = pl.LazyFrame({"at": days, "known": days, "y": labels})

    found = metric_limit(frame, Fields("at", "known", "y", "UTC"), WINDOWS, "multiclass", "accuracy")

    assert 1999 / 2000 < found.value < 1


def test_a_binary_label_has_to_be_ranked_better_than_by_chance():
    assert _limit([True, False] * 4, "binary", "roc_auc").value == 0.6


def test_outcomes_of_validation_that_come_late_leave_the_training_window_to_judge():
    found = _limit([2, 4, 2, 4, 3, 5, 1, 5], "count", "rmse", delay=timedelta(days=4))

    assert "only answer in training" in found.note


def test_a_label_that_is_known_too_late_is_refused():
    with pytest.raises(InvalidInput, match=r"no outcome of the training window is known at go-live, 2024-01-09\."):
        _limit([2, 4, 2, 4, 3, 5, 1, 5], "count", "rmse", delay=timedelta(days=30))


def test_a_label_that_never_differs_before_go_live_is_refused():
    with pytest.raises(InvalidInput, match=r"it is 3\.0 in each row of validation"):
        _limit([3] * 8 + [4] * 7, "count", "rmse")
