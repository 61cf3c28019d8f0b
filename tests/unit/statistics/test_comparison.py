from __future__ import annotations

from dataclasses import astuple
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from handrail.errors import InvalidInput
from handrail.statistics import Answers, Comparison, Intervals, metric_named
from handrail.statistics import compare as compare_in

DAYS = 30
AUC = metric_named("binary", "roc_auc")


def compare(champion: Any, challenger: Any, labels: Any, days: Any, margin: float = 0.005) -> Comparison:
    return compare_in(
        AUC, "binary", Answers(champion), Answers(challenger), labels, days, margin=margin, intervals=Intervals(500, 0)
    )


def flights(rows: int = 6000) -> tuple[np.ndarray, np.ndarray, list[date]]:
    source = np.random.default_rng(0)
    truth = source.normal(size=rows)
    late = (truth + source.normal(size=rows) > 0.5).astype(float)
    days = [date(2013, 9, 1) + timedelta(days=int(day)) for day in np.sort(source.integers(0, DAYS, rows))]
    return truth, late, days


def test_a_model_is_not_worse_than_itself() -> None:
    scores, late, days = flights()

    answer = compare(scores, scores, late, days)

    assert (answer.gain, answer.low, answer.high) == (0, 0, 0)
    assert answer.not_worse is True
    assert (answer.subjects, answer.clusters) == (6000, DAYS)


def test_a_clearly_worse_challenger_is_recognised() -> None:
    scores, late, days = flights()
    worse = scores + np.random.default_rng(1).normal(size=len(scores))

    answer = compare(scores, worse, late, days)

    assert answer.not_worse is False
    assert answer.high < 0
    assert answer.gain == pytest.approx(answer.challenger - answer.champion)


def test_pairing_finds_a_small_gain_that_single_intervals_would_hide() -> None:
    scores, late, days = flights()
    noisy = scores + 0.25 * np.random.default_rng(1).normal(size=len(scores))

    answer = compare(noisy, scores, late, days)

    assert answer.low > 0


def test_the_same_flights_give_the_same_answer_in_any_order() -> None:
    scores, late, days = flights()
    other = scores + 0.3 * np.random.default_rng(1).normal(size=len(scores))
    order = np.random.default_rng(2).permutation(len(scores))

    first = compare(scores, other, late, days)
    second = compare(scores[order], other[order], late[order], [days[i] for i in order])

    assert astuple(first)[1:] == pytest.approx(astuple(second)[1:], abs=1e-12)


def test_the_margin_decides() -> None:
    scores, late, days = flights()
    slightly = scores + 0.15 * np.random.default_rng(1).normal(size=len(scores))

    strict, lenient = (compare(scores, slightly, late, days, margin=margin) for margin in (0.0, 0.05))

    assert (strict.not_worse, lenient.not_worse) == (False, True)
    assert strict.low == lenient.low


def test_a_lower_bound_at_the_margin_itself_is_not_worse() -> None:
    scores, late, days = flights()
    slightly = scores + 0.15 * np.random.default_rng(1).normal(size=len(scores))
    margin = -compare(scores, slightly, late, days).low

    at, within = (compare(scores, slightly, late, days, margin=of) for of in (margin, np.nextafter(margin, 0)))

    assert margin > 0
    assert (at.not_worse, within.not_worse) == (True, False)


def test_flights_without_a_label_are_left_out() -> None:
    scores, late, days = flights()
    unknown: list[float | None] = [None if row % 7 == 0 else float(value) for row, value in enumerate(late)]
    known = np.arange(len(late)) % 7 != 0

    answer = compare(scores, scores[::-1], unknown, days)
    expected = compare(
        scores[known], scores[::-1][known], late[known], [day for day, keep in zip(days, known, strict=True) if keep]
    )

    assert answer == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"challenger": [0.1, 0.2]}, "challenger scores: 2 values for 4 labels"),
        ({"days": [1, 2]}, "clusters: 2 values for 4 labels"),
        ({"labels": [0, 0, 0, 0]}, "one outcome only"),
        ({"labels": [0, 1, 2, 1]}, "another value than 0 and 1"),
        ({"labels": [None, None, None, None]}, "no outcome is known"),
        ({"champion": [0.1, float("nan"), 0.3, 0.4]}, "champion scores: a score is not a finite number"),
    ],
)
def test_what_cannot_be_compared_is_named(change: dict[str, list[float]], sentence: str) -> None:
    given = {
        "champion": [0.1, 0.2, 0.3, 0.4],
        "challenger": [0.1, 0.2, 0.3, 0.4],
        "labels": [0, 1, 0, 1],
        "days": [1, 1, 2, 2],
    }

    with pytest.raises(InvalidInput, match=sentence):
        compare(**{**given, **change})


def test_a_metric_that_is_better_when_lower_counts_a_smaller_error_as_gain() -> None:
    source = np.random.default_rng(3)
    truth = source.normal(size=500)
    near, far = truth + 0.1 * source.normal(size=500), truth + 0.5 * source.normal(size=500)
    days = np.arange(500) % 25

    answer = compare_in(
        metric_named("regression", "mae"), "regression", Answers(far), Answers(near), truth, days, margin=0.0
    )

    assert answer.gain == pytest.approx(np.abs(far - truth).mean() - np.abs(near - truth).mean())
    assert answer.low > 0
    assert answer.not_worse


def test_classes_are_compared_by_what_was_predicted() -> None:
    truth = np.array([0, 1, 2, 0, 1, 2])
    right, wrong = Answers(np.full(6, 0.5), truth), Answers(np.full(6, 0.9), (truth + 1) % 3)

    answer = compare_in(
        metric_named("multiclass", "accuracy"), "multiclass", wrong, right, truth, np.arange(6), margin=0.0
    )

    assert (answer.champion, answer.challenger) == (0.0, 1.0)


def test_an_unknown_metric_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="'roc_auc' does not judge a count label. Use one of mae, rmse"):
        metric_named("count", "roc_auc")


def test_without_other_intervals_clusters_are_drawn_2000_times() -> None:
    scores, late, days = flights(300)
    other = Answers(scores + 0.3 * np.random.default_rng(1).normal(size=len(scores)))
    few, usual, more, seeded = (
        compare_in(AUC, "binary", Answers(scores), other, late, days, margin=0.005, intervals=intervals)
        for intervals in (Intervals(2000, 0), None, Intervals(2001, 0), Intervals(2000, 1))
    )

    assert usual == few
    assert usual.low not in (more.low, seeded.low)


def test_both_models_are_judged_on_the_same_drawn_days() -> None:
    scores, late, days = flights(600)
    other = scores + 0.3 * np.random.default_rng(1).normal(size=len(scores))

    answer, back = compare(scores, other, late, days), compare(other, scores, late, days)

    assert answer.champion == back.challenger
    assert [answer.gain, answer.low, answer.high] == pytest.approx([-back.gain, -back.high, -back.low])
