"""The use cases over fakes: recording, looking up, and refusing without losing anything."""

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback.domain.values import Receipt
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_log, a_prediction, an_outcome


def test_a_value_that_its_kind_does_not_allow_refuses_the_batch_and_keeps_nothing():
    log = a_log()

    with pytest.raises(InvalidInput, match=r"0\.5 is not a ground_truth\. Allowed are 0, 1\."):
        log.record_feedback([an_outcome(a_prediction()), an_outcome(a_prediction(1), 0.5)])

    assert log.status().feedback == 0


def test_an_unknown_kind_refuses_the_batch():
    with pytest.raises(UnknownReference, match="no kind named 'weather'"):
        a_log().record_feedback([an_outcome(a_prediction(), kind="weather")])


def test_a_retraction_needs_no_allowed_value():
    assert a_log().record_feedback([an_outcome(a_prediction(), None)]) == Receipt(accepted=1)


def test_nothing_to_record_is_no_error():
    log = a_log()

    assert log.record_predictions([]) == log.record_feedback([]) == Receipt()
    assert log.count_predictions([]) == {}


def test_a_prediction_is_found_by_its_id():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])

    assert log.find_prediction(prediction.prediction_id) == prediction
    with pytest.raises(UnknownReference, match="no prediction named 'nobody'"):
        log.find_prediction("nobody")


def test_the_last_thing_said_about_a_prediction_is_the_current_one():
    log, prediction = a_log(), a_prediction()
    corrected = an_outcome(prediction, 0.0, revision=1, event_id="corrected")
    first = an_outcome(prediction, 1.0, event_id="first")
    log.record_feedback([corrected, first])

    assert log.feedback_about(prediction.prediction_id) == (first, corrected)


def test_a_deployment_is_registered_with_what_it_serves():
    log = a_log()

    log.register_deployment(DEPLOYMENT, "sha256:1", "mlflow://s/registered/flights/1/1", "bento://flights/1", GO_LIVE)

    (record,) = log.deployments()
    assert (record.uri, record.tree_digest, record.started_at) == (DEPLOYMENT, "sha256:1", GO_LIVE)


def test_conflicts_are_reported_and_listed():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])

    receipt = log.record_predictions([a_prediction(score=0.99)])

    assert receipt.conflicts == (prediction.prediction_id,)
    assert [each.identifier for each in log.quarantined()] == [prediction.prediction_id]
