"""What cannot be recorded is set aside with its reason, and what is good beside it is kept: fakes and databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.feedback.domain.quarantine import MAX_CONTENT, Reason, Rejected
from handrail.feedback.service import FeedbackLog
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, MemoryWriter, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, stores_of

STRICT = replace(GROUND_TRUTH, sources=("airport-feed",), clock_skew=timedelta(hours=48))
REVENUE = replace(GROUND_TRUTH, name="revenue", values=(), unit="USD")
UNREADABLE = Rejected("feedback", Reason.MALFORMED, "value", "value: it is missing.", {"kind": "x"}, "a.csv:3")


@pytest.fixture(params=["memory", *DATABASES])
def log(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield FeedbackLog(stores, MemoryWriter(), {"ground_truth": STRICT, "revenue": REVENUE})


BAD = {
    Reason.UNKNOWN_KIND: an_outcome(a_prediction(1), kind="weather"),
    Reason.WRONG_VALUE: an_outcome(a_prediction(1), 0.5),
    Reason.WRONG_SOURCE: an_outcome(a_prediction(1), source="thief"),
    Reason.WRONG_UNIT: an_outcome(a_prediction(1), 5.0, kind="revenue", unit="EUR"),
    Reason.AHEAD_OF_TIME: an_outcome(a_prediction(1), occurred_at=GO_LIVE + timedelta(days=10957)),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_row_is_named_and_kept_and_the_good_ones_beside_it_are_recorded(log, reason):
    rows = [a_prediction(0), an_outcome(a_prediction(0)), BAD[reason], an_outcome(a_prediction(2))]

    receipt = log.receive(rows, "batch 7")
    again = log.receive(rows, "batch 7")

    assert (receipt.accepted, [(each.index, each.reason) for each in receipt.refused]) == (3, [(2, reason)])
    assert (again.repeated, [each.index for each in again.refused]) == (3, [2])
    (held,) = log.quarantined()
    assert (held.reason, held.origin, held.state, held.what) == (reason, "batch 7", "open", "feedback")
    assert held.content["prediction_id"] == a_prediction(1).prediction_id
    assert held.problem == receipt.refused[0].problem
    assert log.status().quarantined == 1
    assert log.damages() == ()


def test_one_bad_row_in_ten_thousand_costs_one_row(log):
    rows = [a_prediction(0, prediction_id=f"p{n}", subject=f"s{n}") for n in range(10_000)]

    receipt = log.receive([*rows[:5_000], UNREADABLE, *rows[5_000:]])

    assert (receipt.accepted, [each.index for each in receipt.refused]) == (10_000, [5_000])
    assert log.quarantined()[0].origin == "a.csv:3"


def test_conflicts_and_refusals_lie_in_one_place_newest_first(log):
    said = an_outcome(a_prediction(0), event_id="mine")
    log.receive([said])

    receipt = log.receive([replace(said, value=0.0)])
    log.receive([UNREADABLE])

    assert receipt.conflicts == ("mine",)
    assert [each.reason for each in log.quarantined()] == [Reason.MALFORMED, Reason.CONFLICT]
    assert [each.identifier for each in log.quarantine.held(reason=Reason.CONFLICT)] == ["mine"]
    assert [each.reason for each in log.quarantine.held(limit=1)] == [Reason.MALFORMED]
    assert (log.status().conflicts, log.status().quarantined) == (1, 2)
    assert log.damages() == ()


def test_a_row_is_dropped_once_with_a_reason_and_stays_readable(log):
    log.receive([UNREADABLE])
    (held,) = log.quarantined()

    with pytest.raises(InvalidInput, match="because: it is not a reason"):
        log.quarantine.drop(held.number, "ada", GO_LIVE, "  ")
    log.quarantine.drop(held.number, "ada", GO_LIVE, "a test of the sender")

    assert (log.quarantined(), log.status().quarantined) == ((), 0)
    kept = log.quarantine.show(held.number)
    assert (kept.state, kept.note, kept.changed_by, kept.changed_at) == (
        "dropped", "a test of the sender", "ada", GO_LIVE,
    )  # fmt: skip
    assert kept.content == {"kind": "x"}
    assert log.quarantine.held(state="dropped") == (kept,)
    with pytest.raises(Refused, match=f"Changing row {held.number} is refused. It was dropped by ada"):
        log.quarantine.drop(held.number, "bob", GO_LIVE, "again")
    with pytest.raises(UnknownReference, match="no row named '99'"):
        log.quarantine.show(99)


def test_what_was_recorded_after_all_keeps_what_was_sent_and_what_was_made_of_it(log):
    log.receive([UNREADABLE])
    (held,) = log.quarantined()

    log.quarantine.replayed(held.number, "ada", GO_LIVE, "event-1", {"kind": "ground_truth"})

    kept = log.quarantine.show(held.number)
    assert (kept.state, kept.note, kept.content) == ("replayed", "event-1", {"kind": "ground_truth"})
    assert log.damages() == ()
    log.receive([UNREADABLE])
    assert log.quarantined() == ()


def test_a_row_of_any_shape_and_size_is_kept_as_far_as_it_goes(log):
    endless = Rejected("feedback", Reason.MALFORMED, "body", "it is no object", "x" * (2 * MAX_CONTENT))
    odd = Rejected("prediction", Reason.MALFORMED, "score", "no number", [float("nan"), "\u202e", {"a": None}])

    log.receive([endless, odd])

    found = {each.what: each.content for each in log.quarantined()}
    assert len(found["feedback"]) == MAX_CONTENT
    assert found["prediction"][1:] == ["\u202e", {"a": None}]
    assert log.damages() == ()
