from __future__ import annotations

import math

import numpy as np
import pytest

from handrail.statistics import Estimate, Intervals, Scored, draw_clusters, estimate, two_way
from handrail.statistics.numeric import mean_label
from handrail.statistics.two_way import two_way_estimate

SUBJECTS, DAYS = 40, 30


def crossed(source: np.random.Generator, rows: int = 400) -> tuple[Scored, np.ndarray]:
    """Rows whose subject and day each add to their value; the truth is 0."""
    subject, day = source.integers(0, SUBJECTS, rows), source.integers(0, DAYS, rows)
    value = source.normal(size=SUBJECTS)[subject] + source.normal(size=DAYS)[day] + source.normal(size=rows)
    return Scored(np.zeros(rows), value, subject), day


def holds_zero(found: Estimate) -> bool:
    return found.low <= 0 <= found.high


def test_only_both_clusterings_together_hold_the_truth_about_as_often_as_promised() -> None:
    source, both, one = np.random.default_rng(0), 0, 0
    for trial in range(150):
        scored, day = crossed(source)
        both += holds_zero(two_way_estimate(mean_label, scored, day, Intervals(200, trial)))
        one += holds_zero(estimate(mean_label(scored, draw_clusters(scored.clusters, Intervals(200, trial)))))

    assert 0.89 <= both / 150 <= 0.99
    assert one / 150 < 0.85


def test_it_equals_the_sum_of_variances_by_formula() -> None:
    scored, day = crossed(np.random.default_rng(1), rows=3000)
    rest = scored.label - scored.label.mean()
    pair = scored.cluster * DAYS + day
    first, second, both = (
        np.sum(np.bincount(code, weights=rest) ** 2) / 3000**2 for code in (scored.cluster, day, pair)
    )

    found = two_way_estimate(mean_label, scored, day, Intervals(4000, 0))

    assert (found.high - found.value) / 1.959964 == pytest.approx(math.sqrt(first + second - both), rel=0.04)


def test_it_is_never_shorter_than_the_wider_clustering() -> None:
    # Days cancel out within each subject, so that the difference of variances would be too small.
    subject, day = np.repeat(np.arange(10), 4), np.tile(np.arange(4), 10)
    value = np.array([1.0, -1.0, 1.0, -1.0])[day]
    scored = Scored(np.zeros(40), value, subject)

    found = two_way_estimate(mean_label, scored, day, Intervals(500, 0))
    by_day = two_way_estimate(mean_label, Scored(np.zeros(40), value, day), day, Intervals(500, 0))

    assert found.high - found.low >= (by_day.high - by_day.low) * 0.999


def test_draws_in_parts_and_in_any_order_of_rows_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    scored, day = crossed(np.random.default_rng(2))
    order = np.random.default_rng(3).permutation(len(day))
    whole = two_way_estimate(mean_label, scored, day, Intervals(400, 0))

    shuffled = two_way_estimate(
        mean_label, Scored(scored.score, scored.label[order], scored.cluster[order]), day[order], Intervals(400, 0)
    )
    monkeypatch.setattr(two_way, "CELLS_AT_ONCE", 3000)
    parts = two_way_estimate(mean_label, scored, day, Intervals(400, 0))

    assert shuffled.as_dict() == pytest.approx(whole.as_dict(), abs=1e-9)
    assert parts.high - parts.low == pytest.approx(whole.high - whole.low, rel=0.2)


def test_a_single_day_gives_no_interval() -> None:
    scored, day = crossed(np.random.default_rng(2))

    found = two_way_estimate(mean_label, scored, np.zeros_like(day), Intervals(50, 0))

    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isfinite(found.value)


def test_intervals_nest() -> None:
    scored, day = crossed(np.random.default_rng(2))

    wide, narrow = (two_way_estimate(mean_label, scored, day, Intervals(50, 0), alpha) for alpha in (0.01, 0.2))

    assert wide.low < narrow.low < narrow.high < wide.high
