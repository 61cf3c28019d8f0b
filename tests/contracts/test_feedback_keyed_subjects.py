"""With keyed subjects nothing behind the door sees a subject, and answers stay what they were: fakes, databases."""

from dataclasses import asdict, fields, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.feedback.adapters.keyed_stores import keyed
from handrail.feedback.domain.plain import plain_event, plain_prediction
from handrail.feedback.domain.quarantine import Reason, Rejected, Step
from handrail.feedback.domain.subjects import ForeignPseudonym, Subjects
from handrail.feedback.domain.values import Feedback
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome, memory_stores
from tests.fakes.feedback_store import DATABASES, stores_of

SUBJECTS = Subjects(b"k" * 32)
WHO = "ada@example.com"
AUGUST = (GO_LIVE, GO_LIVE + timedelta(days=31), GO_LIVE + timedelta(days=60))


@pytest.fixture(params=["memory", *DATABASES])
def raw(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


@pytest.fixture
def stores(raw):
    return keyed(raw, SUBJECTS)


def by_key(prediction, value=1.0, **changes):
    return an_outcome(prediction, value, prediction_id="", subject=prediction.subject, **changes)


def columns_of(events):
    return {field.name: [getattr(event, field.name) for event in events] for field in fields(Feedback)}


MADE = a_prediction(0, subject=WHO, prediction_id="p-1")


def keep_one_by_one(stores):
    stores.predictions.append([MADE])
    stores.events.append([by_key(MADE)])


def keep_together(stores):
    stores.intake.keep([MADE, by_key(MADE)])


def keep_plain_values(stores):
    stores.intake.keep([plain_prediction(MADE), plain_event(by_key(MADE))])


def keep_by_columns(stores):
    stores.predictions.append([MADE])
    a_log(stores).receive_events(columns_of([by_key(MADE)]))


@pytest.mark.parametrize("keep", [keep_one_by_one, keep_together, keep_plain_values, keep_by_columns])
def test_every_way_in_names_the_subject_and_finds_it_again(raw, stores, keep):
    keep(stores)

    log, name = a_log(stores), SUBJECTS.reference(WHO)
    assert raw.predictions.find("p-1") == replace(MADE, subject=name)
    assert [each.subject for each in raw.events.naming(name)] == [name]
    assert raw.events.naming(WHO) == ()
    assert [each.prediction_id for each in log.predictions_about(WHO)] == ["p-1"]
    assert [each.value for each in log.feedback_about("p-1")] == [1.0]
    assert log.cohort(None, "ground_truth", *AUGUST).label == (1.0,)
    assert log.damages() == ()


def test_what_is_sent_again_by_another_way_is_known(stores):
    keep_one_by_one(stores)

    again = [stores.intake.keep([MADE, by_key(MADE)]), a_log(stores).receive_events(columns_of([by_key(MADE)]))]

    assert [(each.accepted, each.repeated, each.conflicts) for each in again] == [(0, 2, ()), (0, 1, ())]


def test_what_was_read_from_the_log_can_be_sent_to_it(stores):
    keep_one_by_one(stores)

    receipt = stores.predictions.append([stores.predictions.find("p-1")])

    assert (receipt.accepted, receipt.repeated) == (0, 1)


def test_a_pseudonym_of_another_key_is_refused(stores):
    foreign = Subjects(b"other" * 6).reference(WHO)

    with pytest.raises(ForeignPseudonym, match="another key"):
        stores.predictions.append([replace(MADE, subject=foreign)])


@pytest.mark.parametrize(
    "content",
    [
        {"subject": WHO, "kind": "rating", "value": 9, "event_id": f"of {WHO}"},
        {"subject": WHO, "note": f"{WHO} called", "kind": "rating"},
        {"subject": {"mail": WHO}, "kind": "rating"},
        [WHO],
        f'{{"subject": "{WHO}"',
    ],
)
@pytest.mark.parametrize("door", ["receive", "add", "step"])
def test_quarantine_holds_no_subject(raw, stores, content, door):
    row = Rejected("feedback", Reason.WRONG_VALUE, "value", f"{WHO} is not a rating. Send 1 to 5.", content)
    if door == "receive":
        a_log(stores).receive([row])
    else:
        stores.quarantine.add([row], GO_LIVE)
    if door == "step":
        number = stores.quarantine.held(1, None, None)[0].number
        stores.quarantine.step(Step(number, "replayed", "ada", GO_LIVE, "", content))

    (held,) = stores.quarantine.held(9, None, None)
    assert WHO not in repr(asdict(held))
    assert (held.reason, held.state) == (Reason.WRONG_VALUE, "replayed" if door == "step" else "open")
    assert raw.auditor.damages() == ()


def test_a_row_that_its_kind_refuses_is_repaired_under_the_same_name(stores):
    log = a_log(stores)
    log.record_predictions([MADE])
    log.receive([by_key(MADE, value=7.0)])

    (held,) = log.quarantined()

    assert held.content["subject"] == SUBJECTS.reference(WHO)
    assert held.content["value"] == 7.0


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.sampled_from([0.0, 1.0]), st.integers(0, 2)),
        max_size=12,
    )
)
def test_labels_are_those_of_a_log_with_plain_subjects(said):
    logs = a_log(memory_stores()), a_log(keyed(memory_stores(), SUBJECTS))
    for log in logs:
        for number, (hour, subject, value, revision) in enumerate(said):
            made = a_prediction(hour, subject=subject, prediction_id=f"{subject}{hour}")
            log.record_predictions([made])
            log.receive([by_key(made, value, revision=revision, event_id=f"e{number}")])

    plain, named = (log.cohort(None, "ground_truth", *AUGUST) for log in logs)
    assert (named.prediction_id, named.label, named.revision) == (plain.prediction_id, plain.label, plain.revision)
    assert named.subject == tuple(map(SUBJECTS.reference, plain.subject))
