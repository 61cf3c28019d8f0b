"""What every `Ledger` promises: the rows of a scope, the same for ever below a mark."""

from datetime import timedelta

import pytest

from handrail.feedback.domain.ledger import Mark, Scope
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, stores_of

HOUR = timedelta(hours=1)
LATER = GO_LIVE + timedelta(days=30)


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


def a_scope(first=0, last=10, as_of=LATER, deployment=None):
    return Scope("ground_truth", GO_LIVE + first * HOUR, GO_LIVE + last * HOUR, as_of, deployment)


def ids(material):
    return sorted(row[0] for row in material.predictions), sorted(row[3] for row in material.events)


def test_an_empty_log_stands_at_zero(stores):
    mark = stores.ledger.mark()

    assert mark == Mark(0, 0)
    assert ids(stores.ledger.read(a_scope(), mark)) == ([], [])


def test_a_window_is_half_open_and_brings_the_events_of_its_predictions_alone(stores):
    predictions = [a_prediction(number) for number in range(6)]
    outcomes = [an_outcome(each) for each in predictions]
    stores.predictions.append(predictions)
    stores.events.append([*outcomes, an_outcome(predictions[2], kind="conversion")])

    material = stores.ledger.read(a_scope(2, 4), stores.ledger.mark())

    assert ids(material) == (
        sorted(each.prediction_id for each in predictions[2:4]),
        sorted(each.key for each in outcomes[2:4]),
    )


def test_rows_carry_what_cohorts_need(stores):
    prediction = a_prediction(1)
    stores.predictions.append([prediction])
    stores.events.append([an_outcome(prediction, None, revision=2, event_id="gone")])

    material = stores.ledger.read(a_scope(), stores.ledger.mark())

    made = int(prediction.made_at.timestamp()) * 1_000_000
    assert list(material.predictions) == [
        (prediction.prediction_id, prediction.subject, DEPLOYMENT, made, prediction.score, prediction.label, 2.5)
    ]
    assert list(material.events) == [(prediction.prediction_id, 2, made + 5 * 3_600_000_000, "gone", None)]


def test_what_was_not_known_at_the_as_of_time_stays_out(stores):
    predictions = [a_prediction(number) for number in range(8)]
    stores.predictions.append(predictions)
    stores.events.append([an_outcome(each) for each in predictions])

    material = stores.ledger.read(a_scope(as_of=GO_LIVE + 6 * HOUR), stores.ledger.mark())

    assert len(material.predictions) == 7
    assert len(material.events) == 2


def test_one_deployment_can_be_asked_for(stores):
    other = "deploy://local/flights/2"
    stores.predictions.append([a_prediction(0), a_prediction(1, deployment=other, prediction_id="of-other")])
    stores.events.append([an_outcome(a_prediction(0))])
    mark = stores.ledger.mark()

    assert ids(stores.ledger.read(a_scope(deployment=other), mark)) == (["of-other"], [])
    assert ids(stores.ledger.read(a_scope(deployment="deploy://local/none/1"), mark)) == ([], [])


def test_nothing_that_arrives_later_changes_what_lies_below_a_mark(stores):
    stores.predictions.append([a_prediction(0), a_prediction(1)])
    stores.events.append([an_outcome(a_prediction(0)), an_outcome(a_prediction(2))])
    mark = stores.ledger.mark()
    before = ids(stores.ledger.read(a_scope(), mark))

    stores.predictions.append([a_prediction(2), a_prediction(3)])
    stores.events.append([an_outcome(a_prediction(0), 0.0, revision=1), an_outcome(a_prediction(1))])

    assert ids(stores.ledger.read(a_scope(), mark)) == before
    assert len(stores.ledger.read(a_scope(), stores.ledger.mark()).events) == 4
