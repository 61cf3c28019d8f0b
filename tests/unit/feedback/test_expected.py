"""What a figure will probably be before labels come, and how well the same estimate did."""

from datetime import timedelta
from random import Random

import pytest

from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_log, a_prediction, an_outcome

HOUR = timedelta(hours=1)
OTHER = "deploy://local/flights/2"


def a_filled_log(numbers=400, turned=False, deployment=DEPLOYMENT):
    """Return a log whose scores are the probabilities of outcomes; `turned`: the newest mean the reverse."""
    log, chance = a_log(), Random(1)
    for number in range(numbers):
        score = chance.random()
        made = a_prediction(number, score=score, label=int(score > 0.5), deployment=deployment)
        late = chance.random() < score
        if turned and number >= 250:
            late = not late
        log.record_predictions([made])
        log.record_feedback([an_outcome(made, float(late))])
    return log


def test_predictions_without_outcomes_have_the_figure_that_their_scores_mean():
    log = a_filled_log()

    found = log.expected("ground_truth", "accuracy", GO_LIVE + 400 * HOUR)

    assert (found.deployment, found.learned_from + found.predictions) == (DEPLOYMENT, 400)
    assert found.predictions == 35
    assert found.low < 0.75 < found.high
    assert found.value == pytest.approx(0.75, abs=0.07)
    assert found.hindsight.held
    assert found.hindsight.predictions == 91


def test_scores_that_mean_something_else_by_now_are_shown_by_hindsight():
    found = a_filled_log(turned=True).expected("ground_truth", "accuracy", GO_LIVE + 400 * HOUR)

    assert not found.hindsight.held
    assert found.hindsight.realised < found.hindsight.low


@pytest.mark.parametrize(
    ("numbers", "metric", "hour"),
    [(0, "accuracy", 400), (60, "accuracy", 60), (400, "mae", 400), (400, "accuracy", 900)],
    ids=["empty", "few outcomes", "another metric", "nothing waits"],
)
def test_where_nothing_can_be_said_nothing_is(numbers, metric, hour):
    assert a_filled_log(numbers).expected("ground_truth", metric, GO_LIVE + hour * HOUR) is None


def test_one_deployment_is_estimated_by_its_own_scores():
    log = a_filled_log()
    log.record_predictions([a_prediction(401, deployment=OTHER)])

    assert log.expected("ground_truth", "accuracy", GO_LIVE + 402 * HOUR) is None
    assert log.expected("ground_truth", "accuracy", GO_LIVE + 402 * HOUR, DEPLOYMENT).deployment == DEPLOYMENT
