"""What every `Sampler` promises: all of a short log, an even part of a long one, and nothing that was not known."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.feedback.domain.samples import Look
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, stores_of

OTHER = "deploy://other/x/1"
LATER = GO_LIVE + timedelta(days=30)


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


def look(most=100, as_of=LATER, deployments=None):
    return Look("ground_truth", as_of, deployments, most)


def test_an_empty_log_gives_nothing(stores):
    found = stores.sampler.sample(look())

    assert (list(found.predictions), list(found.events), found.total, found.step) == ([], [], 0, 1)


def test_a_short_log_is_read_whole_with_its_events_of_the_kind(stores):
    made = [a_prediction(number) for number in range(5)]
    stores.predictions.append(made)
    stores.events.append([*map(an_outcome, made), an_outcome(made[0], kind="conversion")])

    found = stores.sampler.sample(look())

    assert sorted(row[0] for row in found.predictions) == sorted(each.prediction_id for each in made)
    assert (len(found.events), len(found.arrived), found.total, found.step) == (5, 5, 5, 1)


def test_a_long_log_is_read_evenly_and_alike_each_time(stores):
    stores.predictions.append([a_prediction(number) for number in range(100)])

    found = stores.sampler.sample(look(most=10))

    assert (len(found.predictions), found.total, found.step) == (10, 100, 10)
    assert found == stores.sampler.sample(look(most=10))


def test_of_a_log_with_more_than_are_all_read_fewer_may_be_drawn(stores):
    stores.predictions.append([a_prediction(number) for number in range(100)])

    all_read = stores.sampler.sample(replace(look(most=100), drawn=10))
    drawn = stores.sampler.sample(replace(look(most=99), drawn=10))

    assert (len(all_read.predictions), all_read.step) == (100, 1)
    assert (len(drawn.predictions), drawn.step) == (10, 10)


def test_a_past_and_a_small_part_of_a_long_log_are_read_as_closely_as_all_of_it(stores):
    made = [a_prediction(number) for number in range(100)]
    other = [a_prediction(number, deployment=OTHER, prediction_id=f"other-{number}") for number in range(10)]
    stores.predictions.append([*made[:50], *other, *made[50:]])

    past = stores.sampler.sample(look(most=20, as_of=made[9].made_at, deployments=(DEPLOYMENT,)))
    part = stores.sampler.sample(look(most=20, deployments=(OTHER,)))

    assert (len(past.predictions), past.step) == (10, 1)
    assert (len(part.predictions), part.step) == (10, 1)


def test_what_was_not_known_then_stays_out(stores):
    made = [a_prediction(number) for number in range(6)]
    stores.predictions.append(made)
    stores.events.append([an_outcome(each) for each in made])

    found = stores.sampler.sample(look(as_of=made[2].made_at))

    assert sorted(row[0] for row in found.predictions) == sorted(each.prediction_id for each in made[:3])
    assert (list(found.events), found.total) == ([], 3)


def test_other_deployments_stay_out_and_the_total_is_not_known(stores):
    stores.predictions.append([a_prediction(number) for number in range(3)])

    assert len(stores.sampler.sample(look(deployments=(DEPLOYMENT,))).predictions) == 3
    other = stores.sampler.sample(look(deployments=(OTHER,)))
    assert (list(other.predictions), other.total) == ([], None)
