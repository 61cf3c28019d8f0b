"""Figures of rows that come part by part are those of all rows at once."""

import numpy as np
import pytest

from handrail.statistics import METRICS_OF, Intervals, Running, Scored, draw_clusters, estimate

ROWS = 4_000
SOURCE = np.random.default_rng(1)
SCORE = SOURCE.random(ROWS)
LABEL = (SOURCE.random(ROWS) < SCORE).astype(np.float64)
DAY = np.sort(SOURCE.integers(700_000, 700_030, ROWS))
PREDICTED = (SCORE > 0.5).astype(np.int32)
INTERVALS = Intervals(50, 0)
METRICS = {metric.name: metric for metrics in METRICS_OF.values() for metric in metrics}


def by_parts(metric, exact, label=LABEL, score=SCORE, keys=DAY):
    running = Running(metric, exact)
    for begin in range(0, ROWS, 700):
        some = slice(begin, begin + 700)
        running.add(score[some], label[some], PREDICTED[some], keys[some])
    assert running.rows == ROWS
    return running


def at_once(metric, label=LABEL, score=SCORE):
    scored = Scored(score, label, np.unique(DAY, return_inverse=True)[1], PREDICTED)
    return estimate(metric.values(scored, draw_clusters(scored.clusters, INTERVALS)))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_as_long_as_all_rows_are_held_the_figure_is_the_same(metric):
    assert by_parts(metric, exact=ROWS).estimate(INTERVALS) == at_once(metric)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_beyond_that_means_and_classes_are_exact_and_orders_nearly(metric):
    found = by_parts(metric, exact=1_000).estimate(INTERVALS)

    wanted = at_once(metric)
    within = 5e-4 if metric.name in ("roc_auc", "average_precision") else 1e-12
    assert found.value == pytest.approx(wanted.value, abs=within)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=within)


def test_numbers_far_from_zero_do_not_cancel_each_other_out():
    label = 1e7 + SCORE + 0.1 * LABEL

    found = by_parts(METRICS["r2"], 1_000, label, 1e7 + SCORE).estimate(INTERVALS)

    assert found.value == pytest.approx(at_once(METRICS["r2"], label, 1e7 + SCORE).value, abs=1e-6)


def test_very_many_clusters_are_drawn_together_and_still_counted():
    running = by_parts(METRICS["brier"], 1_000, keys=np.arange(ROWS))

    found, wanted = running.estimate(INTERVALS), at_once(METRICS["brier"])

    assert running.clusters == ROWS
    assert found.value == pytest.approx(wanted.value, abs=1e-12)
    assert found.low < found.value < found.high


def test_no_more_is_held_however_many_rows_come():
    running = by_parts(METRICS["roc_auc"], exact=1_000)
    held = running._summary.counts.nbytes

    for _ in range(5):
        running.add(SCORE, LABEL, PREDICTED, DAY)

    assert (running._parts, running._summary.counts.nbytes) == ([], held)
