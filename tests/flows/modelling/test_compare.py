from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from flows.steps.modelling.compare import compare
from handrail.errors import InvalidInput

DAYS = 30


def flights(rows: int = 6000) -> tuple[np.ndarray, np.ndarray, list[date]]:
    source = np.random.default_rng(0)
    truth = source.normal(size=rows)
    late = (truth + source.normal(size=rows) > 0.5).astype(float)
    days = [date(2013, 9, 1) + timedelta(days=int(day)) for day in np.sort(source.integers(0, DAYS, rows))]
    return truth, late, days


def test_a_model_is_not_worse_than_itself() -> None:
    scores, late, days = flights()

    answer = compare(scores, scores, late, days)

    assert (answer["delta_auc"], answer["ci_low"], answer["ci_high"]) == (0, 0, 0)
    assert answer["not_worse"] is True
    assert (answer["n"], answer["days"]) == (6000, DAYS)


def test_a_clearly_worse_challenger_is_told_apart() -> None:
    scores, late, days = flights()
    worse = scores + np.random.default_rng(1).normal(size=len(scores))

    answer = compare(scores, worse, late, days)

    assert answer["not_worse"] is False
    assert answer["ci_high"] < 0
    assert answer["delta_auc"] == pytest.approx(answer["challenger_auc"] - answer["champion_auc"])


def test_pairing_finds_a_small_gain_that_single_intervals_would_hide() -> None:
    scores, late, days = flights()
    noisy = scores + 0.25 * np.random.default_rng(1).normal(size=len(scores))

    answer = compare(noisy, scores, late, days)

    assert answer["ci_low"] > 0


def test_the_same_flights_give_the_same_answer_in_any_order() -> None:
    scores, late, days = flights()
    other = scores + 0.3 * np.random.default_rng(1).normal(size=len(scores))
    order = np.random.default_rng(2).permutation(len(scores))

    first = compare(scores, other, late, days)
    second = compare(scores[order], other[order], late[order], [days[i] for i in order])

    assert first == pytest.approx(second, abs=1e-12)


def test_the_margin_decides() -> None:
    scores, late, days = flights()
    slightly = scores + 0.15 * np.random.default_rng(1).normal(size=len(scores))

    strict, lenient = (compare(scores, slightly, late, days, margin=margin) for margin in (0.0, 0.05))

    assert (strict["not_worse"], lenient["not_worse"]) == (False, True)
    assert strict["ci_low"] == lenient["ci_low"]


def test_a_lower_bound_at_the_margin_itself_is_not_worse() -> None:
    scores, late, days = flights()
    slightly = scores + 0.15 * np.random.default_rng(1).normal(size=len(scores))
    margin = -compare(scores, slightly, late, days)["ci_low"]

    at, within = (compare(scores, slightly, late, days, margin=of) for of in (margin, np.nextafter(margin, 0)))

    assert margin > 0
    assert (at["not_worse"], within["not_worse"]) == (True, False)


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
        ({"challenger_scores": [0.1, 0.2]}, "challenger_scores: 2 values for 4 labels"),
        ({"days": [1, 2]}, "days: 2 values for 4 labels"),
        ({"labels": [0, 0, 0, 0]}, "both outcomes"),
        ({"labels": [0, 1, 2, 1]}, "both outcomes"),
        ({"labels": [None, None, None, None]}, "both outcomes"),
        ({"champion_scores": [0.1, float("nan"), 0.3, 0.4]}, "champion_scores: a score is not a finite number"),
    ],
)
def test_what_cannot_be_compared_is_named(change: dict[str, list[float]], sentence: str) -> None:
    given = {
        "champion_scores": [0.1, 0.2, 0.3, 0.4],
        "challenger_scores": [0.1, 0.2, 0.3, 0.4],
        "labels": [0, 1, 0, 1],
        "days": [1, 1, 2, 2],
    }

    with pytest.raises(InvalidInput, match=sentence):
        compare(**{**given, **change})  # type: ignore[arg-type]
