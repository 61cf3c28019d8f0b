"""What every `PredictionLog` and `EventLog` promises: idempotent appends, and conflicts that lose nothing."""

from dataclasses import replace
from datetime import timedelta

import numpy
import pytest

from handrail.feedback.domain.values import Receipt
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, stores_of


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


def test_a_prediction_comes_back_as_it_was_recorded(stores):
    prediction = a_prediction(3)

    receipt = stores.predictions.append([prediction])

    assert receipt == Receipt(accepted=1)
    assert stores.predictions.find(prediction.prediction_id) == prediction
    assert stores.predictions.find("another") is None
    assert stores.predictions.made_by(prediction.prediction_id) == prediction.deployment
    assert stores.predictions.made_by("another") is None


def test_a_batch_sent_twice_changes_nothing(stores):
    batch = [a_prediction(number) for number in range(20)]
    outcomes = [an_outcome(each) for each in batch]
    stores.predictions.append(batch)
    stores.events.append(outcomes)

    again = stores.predictions.append(batch[::-1])
    outcomes_again = stores.events.append(outcomes[::-1])

    assert again == outcomes_again == Receipt(repeated=20)
    assert stores.auditor.status().predictions == stores.auditor.status().feedback == 20


def test_a_repeat_inside_one_batch_is_counted_once(stores):
    prediction = a_prediction()

    assert stores.predictions.append([prediction, prediction, a_prediction(1)]) == Receipt(accepted=2, repeated=1)


def test_another_latency_of_the_same_prediction_is_no_conflict(stores):
    stores.predictions.append([a_prediction()])

    assert stores.predictions.append([a_prediction(latency_ms=99.0)]) == Receipt(repeated=1)


def test_another_body_under_a_known_id_is_quarantined_and_the_first_stands(stores):
    first, second = a_prediction(), a_prediction(score=0.9)
    stores.predictions.append([first])

    receipt = stores.predictions.append([a_prediction(1), second])

    assert receipt == Receipt(accepted=1, conflicts=(first.prediction_id,))
    assert stores.predictions.find(first.prediction_id) == first
    (held,) = stores.quarantine.held(10, "open", None)
    assert (held.what, held.identifier) == ("prediction", first.prediction_id)


def test_a_conflict_inside_one_batch_is_found_too(stores):
    event = an_outcome(a_prediction(), event_id="mine")

    receipt = stores.events.append([event, replace(event, value=0.0), event])

    assert receipt == Receipt(accepted=1, repeated=1, conflicts=("mine",))
    assert [each.value for each in stores.events.about(event.prediction_id)] == [1.0]


def test_of_equal_ids_in_one_batch_the_first_counts(stores):
    first, second = a_prediction(), a_prediction(score=0.9)
    said, corrected = an_outcome(first, event_id="mine"), an_outcome(first, 0.0, event_id="mine")

    receipts = stores.predictions.append([first, second]), stores.events.append([said, corrected])

    assert receipts == (Receipt(accepted=1, conflicts=(first.prediction_id,)), Receipt(accepted=1, conflicts=("mine",)))
    assert stores.predictions.find(first.prediction_id) == first
    assert [each.value for each in stores.events.about(first.prediction_id)] == [1.0]


def test_a_conflict_delivered_again_is_reported_again_and_kept_once(stores):
    event = an_outcome(a_prediction(), event_id="mine")
    stores.events.append([event])

    receipts = [stores.events.append([replace(event, value=0.0)]) for _ in range(3)]

    assert receipts == [Receipt(conflicts=("mine",))] * 3
    assert stores.auditor.status().conflicts == 1


def test_a_client_may_repeat_an_event_that_names_itself_at_another_time(stores):
    event = an_outcome(a_prediction())
    stores.events.append([event])

    assert stores.events.append([replace(event, received_at=event.received_at + timedelta(days=1))]) == Receipt(
        repeated=1
    )


def test_feedback_comes_before_its_prediction(stores):
    prediction = a_prediction()
    stores.events.append([an_outcome(prediction)])
    orphaned = stores.auditor.status()

    stores.predictions.append([prediction])

    assert (orphaned.orphans, orphaned.orphan_share) == (1, 1.0)
    assert stores.auditor.status().orphans == 0


def test_events_come_back_as_they_were_recorded(stores):
    prediction = a_prediction()
    said = an_outcome(prediction, event_id="a")
    withdrawn = an_outcome(prediction, None, event_id="b", revision=1)
    stores.events.append([said, withdrawn, an_outcome(a_prediction(1))])

    assert set(stores.events.about(prediction.prediction_id)) == {said, withdrawn}


def test_predictions_are_counted_by_deployment(stores):
    other = "deploy://local/flights/2"
    stores.predictions.append([a_prediction(number) for number in range(3)])
    stores.predictions.append([a_prediction(9, deployment=other, prediction_id="p9")])

    assert stores.predictions.count([DEPLOYMENT, other, "deploy://local/none/1"]) == {
        DEPLOYMENT: 3,
        other: 1,
        "deploy://local/none/1": 0,
    }


def test_numbers_of_numeric_libraries_are_kept_as_numbers(stores):
    odd = a_prediction(score=numpy.float32(0.25), label=numpy.int64(1), latency_ms=numpy.float32(1.5))
    plain = a_prediction(score=0.25, label=1, latency_ms=1.5)
    stores.predictions.append([odd])

    assert stores.predictions.append([plain]) == Receipt(repeated=1)
    assert stores.predictions.find(plain.prediction_id) == plain
    assert stores.events.append([an_outcome(odd, numpy.int8(1), received_at=GO_LIVE)]).accepted == 1
