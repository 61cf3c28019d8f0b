"""What may be recorded, and what names it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from handrail.errors import InvalidInput
from handrail.feedback.domain.values import Feedback, Prediction, Receipt, Status, prediction_id_for
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome

NEW_YORK = timezone(timedelta(hours=-4))


def test_a_prediction_is_named_by_what_it_is():
    here = GO_LIVE.astimezone(NEW_YORK)

    name = prediction_id_for(DEPLOYMENT, "a", GO_LIVE)

    assert name == prediction_id_for(DEPLOYMENT, "a", here) == "3835bab9-9de8-5696-abf8-4dc199fc738b"
    others = [
        prediction_id_for("deploy://local/flights/2", "a", GO_LIVE),
        prediction_id_for(DEPLOYMENT, "b", GO_LIVE),
        prediction_id_for(DEPLOYMENT, "a", GO_LIVE + timedelta(microseconds=1)),
    ]
    assert len({name, *others}) == 4


def test_an_event_without_a_key_is_named_by_its_content():
    event = an_outcome(a_prediction())

    same = replace(event, received_at=event.received_at + timedelta(days=1), occurred_at=event.occurred_at.astimezone())

    assert event.key == same.key
    assert len(event.key) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "other"},
        {"prediction_id": "other"},
        {"kind": "conversion"},
        {"revision": 1},
        {"occurred_at": GO_LIVE},
        {"value": 0.0},
        {"value": None, "retracts": True},
    ],
    ids=str,
)
def test_every_part_of_an_event_counts(changes):
    event = an_outcome(a_prediction())

    assert replace(event, **changes).key != event.key


def test_the_form_of_a_number_does_not_count():
    assert (
        an_outcome(a_prediction(), 1).key == an_outcome(a_prediction(), 1.0).key == an_outcome(a_prediction(), True).key
    )


def test_a_latency_is_no_part_of_a_prediction():
    assert a_prediction(latency_ms=1).body_digest() == a_prediction(latency_ms=None).body_digest()
    assert a_prediction(score=0.1).body_digest() != a_prediction(score=0.2).body_digest()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("prediction_id", ""),
        ("prediction_id", "a\nb"),
        ("prediction_id", "a\x00b"),
        ("deployment", "\ud800"),
        ("subject", "x" * 501),
        ("subject", 7),
        ("features_digest", "a\nb"),
        ("feature_service", "x" * 501),
        ("made_at", datetime(2013, 8, 1)),
        ("score", float("nan")),
        ("score", "0.5"),
        ("label", 0.5),
        ("label", 2**31),
        ("label", -(2**31)),
        ("label", None),
        ("latency_ms", float("inf")),
    ],
)
def test_a_prediction_with_a_wrong_field_is_refused_by_its_name(field, wrong):
    with pytest.raises(InvalidInput, match=f"^{field}: ") as refusal:
        a_prediction(**{field: wrong})

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "x" * 500),
        ("features_digest", ""),
        ("feature_service", ""),
        ("label", 2**31 - 1),
        ("label", 1 - 2**31),
        ("latency_ms", None),
    ],
)
def test_a_value_at_the_end_of_what_is_allowed_is_taken(field, value):
    assert getattr(a_prediction(**{field: value}), field) == value


@pytest.mark.parametrize(("field", "wrong"), [("subject", "x" * 501), ("label", 10**60)])
def test_a_refusal_shows_the_first_40_characters_of_what_was_sent(field, wrong):
    with pytest.raises(InvalidInput) as refusal:
        a_prediction(**{field: wrong})

    assert repr(str(wrong)[:40]) in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("kind", ""),
        ("source", "\n"),
        ("event_id", ""),
        ("revision", -1),
        ("revision", 2**31),
        ("revision", "1"),
        ("value", float("inf")),
        ("occurred_at", datetime(2013, 8, 1)),
        ("received_at", None),
    ],
)
def test_feedback_with_a_wrong_field_is_refused_by_its_name(field, wrong):
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        an_outcome(a_prediction(), **{field: wrong})


def test_a_value_is_missing_only_in_a_retraction():
    with pytest.raises(InvalidInput, match="value: it is missing"):
        an_outcome(a_prediction(), None, retracts=False)
    with pytest.raises(InvalidInput, match="a retraction carries no value"):
        an_outcome(a_prediction(), 1.0, retracts=True)


def test_values_are_frozen():
    for value in (a_prediction(), an_outcome(a_prediction())):
        assert isinstance(value, Prediction | Feedback)
        with pytest.raises(AttributeError):
            value.prediction_id = "other"


def test_receipts_add_up():
    assert Receipt(1, 2, ("a",)) + Receipt(3, 4, ("b",)) == Receipt(4, 6, ("a", "b"))


def test_without_feedback_nothing_is_orphaned():
    assert Status(0, 0, 0, 0, 0, 0).orphan_share == 0.0
