"""How feedback is doing, by kind and deployment: what one would believe beside what is known."""

from datetime import timedelta

import pytest

from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_log, a_prediction, an_outcome

HOUR = timedelta(hours=1)
OTHER = "deploy://local/flights/2"
NOW = GO_LIVE + 100 * HOUR


def test_the_figure_so_far_counts_immature_labels_and_the_mature_one_does_not():
    log = a_log()
    old, new = [a_prediction(n, label=1) for n in range(10)], [a_prediction(90 + n, label=1) for n in range(5)]
    log.record_predictions([*old, *new])
    log.record_feedback([an_outcome(each, 1.0) for each in old[:8]] + [an_outcome(each, 0.0) for each in new[:4]])

    first, *_ = log.health(NOW).summaries

    assert (first.kind, first.deployment, first.sampled, first.step) == ("ground_truth", None, 15, 1)
    assert (first.mature, first.coverage) == (pytest.approx(10 / 15), 0.8)
    assert (first.measured, first.so_far, first.figure) == ("accuracy", pytest.approx(8 / 12), 1.0)


def test_delays_are_those_of_mature_predictions_until_their_first_answer():
    log = a_log()
    made = [a_prediction(0, prediction_id=f"p{n}", subject=f"s{n}") for n in range(100)]
    log.record_predictions([*made, a_prediction(99)])
    log.record_feedback([an_outcome(each, received_at=GO_LIVE + n * HOUR / 2) for n, each in enumerate(made, 1)])
    log.record_feedback([an_outcome(made[0], revision=1, received_at=NOW)])

    first, *_ = log.health(NOW).summaries

    assert (first.delay_p50_h, first.delay_p90_h, first.delay_p99_h) == (25, 45, 49.5)


def test_each_deployment_has_a_summary_and_without_labels_there_is_no_figure():
    log = a_log()
    log.record_predictions([a_prediction(0), a_prediction(1, deployment=OTHER, prediction_id="of-other")])
    log.record_feedback([an_outcome(a_prediction(0), 0.0)])

    summaries = {each.deployment: each for each in log.health(NOW).summaries if each.kind == "ground_truth"}

    assert list(summaries) == [None, DEPLOYMENT, OTHER]
    assert (summaries[DEPLOYMENT].figure, summaries[OTHER].figure, summaries[OTHER].delay_p50_h) == (1.0, None, None)


def test_a_log_without_predictions_has_empty_summaries():
    health = a_log().health(NOW)

    assert [(each.kind, each.sampled, each.figure) for each in health.summaries] == [
        ("ground_truth", 0, None),
        ("conversion", 0, None),
    ]
    assert health.recorded == {"predictions": 0, "events": 0}
