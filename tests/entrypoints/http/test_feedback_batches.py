"""A batch over HTTP: the rows at fault are named and kept in quarantine, the others are recorded."""

import pytest

from tests.entrypoints.http.test_feedback import EVENT, PREDICTION, Platform, assert_problem, send


@pytest.fixture
def platform():
    return Platform()


@pytest.mark.parametrize(
    ("bad", "reason", "field"),
    [
        (EVENT | {"source": 7}, "malformed", "source"),
        (EVENT | {"colour": "blue"}, "malformed", "colour"),
        (EVENT | {"value": None}, "malformed", "value"),
        ("text", "malformed", "row"),
        (None, "malformed", "row"),
        ([[[]]], "malformed", "row"),
        (EVENT | {"value": 0.5}, "wrong_value", "value"),
        (EVENT | {"kind": "weather"}, "unknown_kind", "kind"),
        (EVENT | {"unit": "EUR"}, "wrong_unit", "unit"),
        (EVENT | {"subject": "order-1"}, "malformed", "prediction_id"),
    ],
    ids=str,
)
def test_of_a_batch_the_rows_at_fault_are_named_and_the_others_recorded(platform, bad, reason, field):
    batch = {"events": [EVENT, bad, EVENT | {"revision": 1, "value": 0}]}

    problem = assert_problem(send(platform, json=batch), 422)
    again = assert_problem(send(platform, json=batch), 422)

    (refused,) = problem["refused"]
    assert (refused["index"], refused["reason"], refused["field"]) == (1, reason, field)
    assert (problem["accepted"], again["repeated"]) == (2, 2)
    assert [each is None for each in problem["event_ids"]] == [False, True, False]
    assert problem["detail"].startswith(f"1 of 3 rows are not recorded; row 1: {refused['detail'].rstrip('.')}.")
    assert platform.feedback.status().quarantined == 1


def test_refused_rows_and_conflicts_of_one_batch_are_both_said(platform):
    send(platform, json=EVENT | {"event_id": "mine"})

    problem = assert_problem(send(platform, json={"events": [EVENT | {"event_id": "mine", "value": 0}, "x"]}), 422)

    assert (problem["conflicts"], [each["index"] for each in problem["refused"]]) == (["mine"], [1])
    assert "The first bodies stand" in problem["detail"]


def test_of_a_batch_of_predictions_too(platform):
    batch = {"predictions": [PREDICTION | {"label": "1"}, PREDICTION]}

    problem = assert_problem(send(platform, path="/predictions", json=batch), 422)

    assert ([each["field"] for each in problem["refused"]], problem["accepted"]) == (["label"], 1)
    assert problem["prediction_ids"] == [None, "p1"]


def test_an_outcome_may_name_what_the_business_knows(platform):
    send(platform, path="/predictions", json=PREDICTION)
    about = {"subject": "machine-7", "kind": "ground_truth", "value": 1, "source": "till"}

    response = send(platform, json=about | {"occurred_at": "2013-08-01T09:00:00Z"})

    assert response.status_code == 201
    assert [each.value for each in platform.feedback.feedback_about("p1")] == [1.0]
