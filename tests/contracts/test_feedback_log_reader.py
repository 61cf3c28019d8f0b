"""What every `LogReader` promises: the rows of a scope, the same for ever below a mark."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from handrail.feedback.domain.material import Mark, Scope, current_values
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
    mark = stores.reader.mark()

    assert mark == Mark(0, 0)
    assert ids(stores.reader.read(a_scope(), mark)) == ([], [])


def test_a_window_is_half_open_and_brings_the_events_of_its_predictions_alone(stores):
    predictions = [a_prediction(number) for number in range(6)]
    outcomes = [an_outcome(each) for each in predictions]
    stores.predictions.append(predictions)
    stores.events.append([*outcomes, an_outcome(predictions[2], kind="conversion")])

    material = stores.reader.read(a_scope(2, 4), stores.reader.mark())

    assert ids(material) == (
        sorted(each.prediction_id for each in predictions[2:4]),
        sorted(each.key for each in outcomes[2:4]),
    )


def test_rows_carry_what_cohorts_need(stores):
    prediction = a_prediction(1)
    stores.predictions.append([prediction])
    stores.events.append([an_outcome(prediction, None, revision=2, event_id="gone")])

    material = stores.reader.read(a_scope(), stores.reader.mark())

    made = int(prediction.made_at.timestamp()) * 1_000_000
    measured = (prediction.score, prediction.label, 2.5, "", None, None)
    assert list(material.predictions) == [(prediction.prediction_id, prediction.subject, DEPLOYMENT, made, *measured)]
    assert list(material.events) == [(prediction.prediction_id, 2, made + 5 * 3_600_000_000, "gone", None, "")]


def test_what_was_not_known_at_the_as_of_time_stays_out(stores):
    predictions = [a_prediction(number) for number in range(8)]
    stores.predictions.append(predictions)
    stores.events.append([an_outcome(each) for each in predictions])

    material = stores.reader.read(a_scope(as_of=GO_LIVE + 6 * HOUR), stores.reader.mark())

    assert len(material.predictions) == 7
    # What happened by then, and was heard half an hour too late, was not known.
    assert ids(material)[1] == [an_outcome(predictions[0]).key]


def test_an_event_counts_as_received_when_it_was_first_received_in_whatever_order_that_is_recorded(stores):
    prediction, said = a_prediction(0), an_outcome(a_prediction(0))
    first, again, last = (replace(said, received_at=GO_LIVE + hours * HOUR) for hours in (6, 8, 10))
    stores.predictions.append([prediction])
    found = []

    for sent in (last, again, again, first, last):
        stores.events.append([sent])
        mark = stores.reader.mark()
        found.append([len(stores.reader.read(a_scope(as_of=GO_LIVE + h * HOUR), mark).events) for h in (5, 6, 8, 10)])

    assert found == [[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]
    assert stores.events.about(prediction.prediction_id) == (replace(first, event_id=said.key),)


def test_of_equal_events_in_a_batch_the_earliest_arrival_counts(stores):
    prediction, said = a_prediction(0), an_outcome(a_prediction(0))
    stores.predictions.append([prediction])

    receipt = stores.events.append([replace(said, received_at=GO_LIVE + hours * HOUR) for hours in (9, 6, 7)])

    assert (receipt.accepted, receipt.repeated) == (1, 2)
    assert len(stores.reader.read(a_scope(as_of=GO_LIVE + 6 * HOUR), stores.reader.mark()).events) == 1


def test_a_conflict_beside_an_earlier_arrival_hides_it_not(stores):
    prediction = a_prediction(0)
    said, again = (an_outcome(prediction, event_id="mine", received_at=GO_LIVE + hours * HOUR) for hours in (9, 6))
    stores.predictions.append([prediction])
    stores.events.append([said])

    receipt = stores.events.append([again, replace(again, value=0.0)])

    assert (receipt.repeated, receipt.conflicts) == (1, ("mine",))
    assert len(stores.reader.read(a_scope(as_of=GO_LIVE + 6 * HOUR), stores.reader.mark()).events) == 1


def test_another_body_under_a_known_id_arrives_never(stores):
    prediction = a_prediction(0)
    said = an_outcome(prediction, event_id="mine", received_at=GO_LIVE + 9 * HOUR)
    stores.predictions.append([prediction])

    stores.events.append([said, replace(said, value=0.0, received_at=GO_LIVE + 6 * HOUR)])

    assert not stores.reader.read(a_scope(as_of=GO_LIVE + 6 * HOUR), stores.reader.mark()).events


def test_an_arrival_that_is_reported_later_leaves_what_lies_below_a_mark(stores):
    prediction, said = a_prediction(0), an_outcome(a_prediction(0), received_at=GO_LIVE + 9 * HOUR)
    stores.predictions.append([prediction])
    stores.events.append([said])
    mark, scope = stores.reader.mark(), a_scope(as_of=GO_LIVE + 7 * HOUR)

    stores.events.append([replace(said, received_at=GO_LIVE + 6 * HOUR)])

    assert not stores.reader.read(scope, mark).events
    assert stores.reader.read(scope, stores.reader.mark()).events


def test_every_order_of_arrival_gives_the_same_labels_at_every_moment(stores):
    """Each of the orders is about a prediction of its own: they cannot disturb one another."""
    moments = [GO_LIVE + hour * HOUR for hour in range(1, 6)]

    def statements(about):
        first = an_outcome(about, 1.0, event_id=f"a{about.subject}", occurred_at=GO_LIVE)
        second = an_outcome(about, 0.0, event_id=f"b{about.subject}", occurred_at=GO_LIVE, revision=1)
        sent = ((first, 2), (first, 3), (second, 4), (second, 5))
        return [replace(event, received_at=GO_LIVE + hour * HOUR) for event, hour in sent]

    predictions = [a_prediction(0, prediction_id=f"p{n}", subject=f"s{n}") for n in range(24)]
    stores.predictions.append(predictions)
    for prediction, order in zip(predictions, permutations(range(4)), strict=True):
        for place in order:
            stores.events.append([statements(prediction)[place]])

    labels = []
    for at in moments:
        found = current_values(stores.reader.read(a_scope(as_of=at), stores.reader.mark()).events, "last")
        labels.append(
            {found[each.prediction_id].value if each.prediction_id in found else None for each in predictions}
        )
    assert labels == [{None}, {1.0}, {1.0}, {0.0}, {0.0}]


def test_one_deployment_can_be_asked_for(stores):
    other = "deploy://local/flights/2"
    stores.predictions.append([a_prediction(0), a_prediction(1, deployment=other, prediction_id="of-other")])
    stores.events.append([an_outcome(a_prediction(0))])
    mark = stores.reader.mark()

    assert ids(stores.reader.read(a_scope(deployment=other), mark)) == (["of-other"], [])
    assert ids(stores.reader.read(a_scope(deployment="deploy://local/none/1"), mark)) == ([], [])


def test_nothing_that_arrives_later_changes_what_lies_below_a_mark(stores):
    stores.predictions.append([a_prediction(0), a_prediction(1)])
    stores.events.append([an_outcome(a_prediction(0)), an_outcome(a_prediction(2))])
    mark = stores.reader.mark()
    before = ids(stores.reader.read(a_scope(), mark))

    stores.predictions.append([a_prediction(2), a_prediction(3)])
    stores.events.append([an_outcome(a_prediction(0), 0.0, revision=1), an_outcome(a_prediction(1))])

    assert ids(stores.reader.read(a_scope(), mark)) == before
    assert len(stores.reader.read(a_scope(), stores.reader.mark()).events) == 4
