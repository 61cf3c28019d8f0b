"""`AesGcmTexts` and what is recorded of a review: a commitment, on every database."""

import stat
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from handrail.bootstrap.feedback import feedback_stores
from handrail.errors import InvalidInput
from handrail.feedback.adapters.keyed_stores import keyed
from handrail.feedback.adapters.sealed_texts import AesGcmTexts
from handrail.feedback.adapters.sealing_stores import sealing
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.reviews import MAX_REVIEW, Review
from handrail.feedback.domain.subjects import Subjects
from handrail.feedback.service.reviews import Reviews
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, a_log, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, a_store

REVIEW = Kind("review", timedelta(hours=1), is_text=True, sources=("shop",))
MADE = a_prediction(0, subject="ada lin", prediction_id="p-1")
TEXT = "Late again,\nand nobody said why. \u202e"


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with a_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def texts(store, tmp_path):
    return AesGcmTexts(store, tmp_path / "keys")


@pytest.fixture
def log(store, texts):
    return a_log(sealing(feedback_stores(store), texts), kinds=(GROUND_TRUTH, REVIEW))


def a_review(text: str = TEXT, **changes: Any) -> Review:
    usual: dict[str, Any] = {"prediction_id": "p-1", "kind": "review", "value": 1.0, "source": "shop", "revision": 0}
    moments = {"occurred_at": GO_LIVE, "received_at": GO_LIVE}
    return Review(**usual | moments | {"text": text} | changes)


def contents(store):
    with store.read() as connection:
        tables = ("feedback_event", "feedback_quarantine", "feedback_sealed_text")
        return repr([connection.execute(sa.text(f"select * from {name}")).all() for name in tables])


BY_KEY: dict[str, Any] = {
    "prediction_id": "",
    "subject": "ada lin",
    "occurred_at": MADE.made_at + timedelta(hours=1),
}


@pytest.mark.parametrize("to", [{}, BY_KEY], ids=["by id", "by key"])
@pytest.mark.parametrize("door", ["receive", "record_feedback"])
def test_a_review_is_read_back_and_no_table_holds_its_text(log, store, texts, to, door):
    log.record_predictions([MADE])
    getattr(log, door)([a_review(**to)])

    reviews = Reviews(log, texts)
    assert [each.text for each in reviews.about("p-1")] == [TEXT]
    assert [each.text for each in reviews.about_subject("ada lin")] == [TEXT]
    assert "nobody said" not in contents(store)
    assert [each.value for each in log.feedback_about("p-1")] == [1.0]
    assert log.damages() == ()


def test_the_same_again_changes_nothing_and_another_text_under_its_id_is_a_conflict(log):
    first = a_review(event_id="e-1")

    receipts = [log.record_feedback([each]) for each in (first, first, replace(first, text="Fine."))]

    assert [(each.accepted, each.repeated, each.conflicts) for each in receipts] == [
        (1, 0, ()),
        (0, 1, ()),
        (0, 0, ("e-1",)),
    ]


def test_a_correction_is_another_revision(log, texts):
    log.record_feedback([a_review(), a_review("Fine.", revision=1)])

    assert [each.text for each in Reviews(log, texts).about("p-1")] == [TEXT, "Fine."]


def test_without_its_key_a_text_is_gone(log, texts, tmp_path):
    log.record_feedback([a_review()])
    (key,) = (path for path in (tmp_path / "keys").rglob("*") if path.is_file())
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    assert texts.destroy(["prediction p-1", "prediction p-2"]) == 1

    assert [(each.text, each.shown) for each in Reviews(log, texts).about("p-1")] == [(None, "(erased)")]
    assert not key.exists()
    assert log.damages() == ()


def test_a_text_that_was_exchanged_is_not_shown(log, store, texts):
    log.record_feedback([a_review(), a_review("Fine.", revision=1)])
    with store.write() as connection:
        rows = connection.execute(sa.text("select commitment, sealed from feedback_sealed_text")).all()
        swap = sa.text("update feedback_sealed_text set sealed = :sealed where commitment = :commitment")
        for one, other in zip(rows, rows[::-1], strict=True):
            connection.execute(swap, {"commitment": one.commitment, "sealed": other.sealed})

    assert [each.text for each in Reviews(log, texts).about("p-1")] == [None, None]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (a_review(kind="ground_truth"), "text"),
        (a_review(source="stranger"), "source"),
        (a_review(kind="other"), "kind"),
        (an_outcome(MADE, 1.0, kind="review", source="shop"), "value"),
    ],
)
def test_what_its_kind_refuses_is_set_aside_without_its_text(log, store, row, field):
    (refused,) = log.receive([row]).refused

    assert refused.field == field
    assert "nobody said" not in contents(store)


def test_a_number_by_columns_is_no_review(log):
    columns = {"kind": ["review"], "value": [1.0], "source": ["shop"], "prediction_id": ["p-1"]}
    moments = {"occurred_at": [GO_LIVE], "received_at": [GO_LIVE]}

    assert [each.field for each in log.receive_events(columns | moments).refused] == ["value"]


@pytest.mark.parametrize("text", ["", "x" * (MAX_REVIEW + 1), "a\0b", "\ud800"])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(InvalidInput):
        a_review(text)


def test_a_review_has_no_figure(log):
    log.record_predictions([MADE])
    log.record_feedback([a_review()])
    window = GO_LIVE, GO_LIVE + timedelta(days=1), GO_LIVE + timedelta(days=2)

    for ask in (
        lambda: log.cohort(None, "review", *window),
        lambda: log.snapshot("review", *window),
        lambda: log.overview("review", window[2]),
        lambda: next(log.labels.of_window("review", *window)),
    ):
        with pytest.raises(InvalidInput, match="no figure"):
            ask()
    assert {each.kind for each in log.health(window[2]).summaries} == {"ground_truth"}


def test_with_keyed_subjects_the_key_is_that_of_the_pseudonym(store, texts):
    subjects = Subjects(b"k" * 32)
    log = a_log(keyed(sealing(feedback_stores(store), texts), subjects), kinds=(REVIEW,))
    log.record_predictions([MADE])
    log.record_feedback([a_review(**BY_KEY)])
    log.receive([a_review("Again.", **BY_KEY, revision=1)])

    assert [each.text for each in Reviews(log, texts).about_subject("ada lin")] == [TEXT, "Again."]
    assert "ada lin" not in contents(store)
    assert texts.destroy([f"subject {subjects.reference('ada lin')}"]) == 1


def test_what_moves_a_cursor_is_shown_as_its_code(log, texts):
    log.record_feedback([a_review("red \x1b[31m\nand \u202eback")])

    (found,) = Reviews(log, texts).about("p-1")

    assert found.shown == "red \\x1b[31m\nand \\u202eback"


def test_texts_that_were_kept_long_enough_go_and_the_log_keeps_that_there_were_some(log, store, texts):
    log.record_predictions([MADE])
    later = GO_LIVE + timedelta(days=20)
    log.record_feedback([a_review("old"), a_review("said again", source="shop", revision=1)])
    log.record_feedback([a_review("said again", revision=2, received_at=later, occurred_at=later)])
    log.record_feedback([a_review("new", revision=3, received_at=later, occurred_at=later)])
    before = GO_LIVE + timedelta(days=1)
    events = log.feedback_about("p-1")

    assert (texts.older("review", before), texts.older("other", before)) == (1, 0)
    assert (texts.drop_older("review", before), texts.drop_older("review", before)) == (1, 0)

    found = {each.revision: each.text for each in Reviews(log, texts).about("p-1")}
    assert found == {0: None, 1: "said again", 2: "said again", 3: "new"}
    assert log.feedback_about("p-1") == events
    assert texts.older("review", later + timedelta(days=1)) == 2
