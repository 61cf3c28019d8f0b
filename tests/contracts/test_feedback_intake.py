"""What every `Intake` promises: rows of any sort at once, a receipt for each caller, neighbours that cost nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from handrail.bootstrap.feedback import feedback_stores
from handrail.errors import Busy
from handrail.feedback.adapters.sql_intake import SqlIntake
from handrail.feedback.domain.event_columns import SiftedEvents
from handrail.feedback.domain.plain import PlainEvents, plain_event, plain_prediction
from handrail.feedback.domain.quarantine import Reason, Rejected
from handrail.feedback.domain.values import Receipt
from tests.fakes.feedback import GO_LIVE, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, a_store, stores_of
from tests.fakes.waiting_writer import DEADLINE_S, while_one_writes

HELD = a_prediction(99)
UNREADABLE = Rejected("feedback", Reason.MALFORMED, "value", "value: it is missing.", {"kind": "x"}, "a.csv:3")


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


def test_rows_of_every_sort_are_kept_at_once_and_refusals_have_their_place(stores):
    rows = [an_outcome(a_prediction(1)), UNREADABLE, a_prediction(1), a_prediction(1), a_prediction(2, score=0.1)]
    stores.predictions.append([a_prediction(2)])

    receipt = stores.intake.keep(rows)

    assert (receipt.accepted, receipt.repeated, receipt.conflicts) == (2, 1, (a_prediction(2).prediction_id,))
    assert [(each.index, each.reason, each.field) for each in receipt.refused] == [(1, Reason.MALFORMED, "value")]
    assert stores.quarantine.held(10, "open", Reason.MALFORMED)[0].content == {"kind": "x"}


def test_nothing_is_kept_of_nothing(stores):
    assert stores.intake.keep([]) == Receipt()


def test_plain_values_are_kept_as_the_values_that_they_say(stores):
    said = [an_outcome(a_prediction(1), since=None), an_outcome(a_prediction(2), None, event_id="mine", revision=3)]
    by_key = an_outcome(
        a_prediction(3), prediction_id="", subject="order-1", service="s", since=GO_LIVE, until=GO_LIVE + timedelta(1)
    )
    rows = [*map(plain_event, [*said, by_key]), plain_prediction(a_prediction(1))]

    assert stores.intake.keep(rows) == Receipt(accepted=4)
    assert stores.intake.keep([*said, by_key, a_prediction(1)]) == Receipt(repeated=4)
    assert stores.predictions.find(a_prediction(1).prediction_id) == a_prediction(1)
    assert stores.events.naming("order-1") == (replace(by_key, event_id=by_key.key),)


def test_a_plain_row_that_conflicts_is_quarantined_with_what_it_says(stores):
    event = an_outcome(a_prediction(1), event_id="mine")
    stores.events.append([event])

    receipt = stores.intake.keep([plain_event(replace(event, value=0.0))])

    assert receipt == Receipt(conflicts=("mine",))
    (held,) = stores.quarantine.held(10, "open", None)
    assert (held.content["value"], held.content["source"]) == (0.0, "airport-feed")


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "b\n"])
def test_a_rejected_row_may_be_called_anything(stores, name):
    rows = [Rejected("feedback", Reason.MALFORMED, "event_id", f"event_id: {name!r}.", {"event_id": name}, name)]

    receipt = stores.intake.keep([*rows, a_prediction(1)])

    assert (receipt.accepted, len(receipt.refused)) == (1, 1)
    assert stores.intake.keep(rows).accepted == 0
    assert len(stores.quarantine.held(10, "open", None)) == 1


class HeldIntake(SqlIntake):
    """An intake whose first transaction waits until the test lets it go."""

    def __init__(self, store, most_waiting=1000):
        super().__init__(store, most_waiting)
        self.entered, self.go = threading.Event(), threading.Event()
        self.written = []

    def _write(self, calls, key):
        self.entered.set()
        assert self.go.wait(DEADLINE_S)
        self.written.append(len(calls))
        return super()._write(calls, key)


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with a_store(request.param, tmp_path) as store:
        yield store


def together(intake, *batches):
    """Keep each batch by a caller of its own, all in one transaction; return what each gets."""
    calls = [lambda rows=rows: intake.keep(rows) for rows in batches]
    return while_one_writes(intake, intake.calls, lambda: intake.keep([HELD]), calls)[1:]


def test_callers_that_share_a_transaction_get_their_own_receipts(store):
    intake = HeldIntake(store)
    stands, other = an_outcome(a_prediction(1), event_id="mine"), an_outcome(a_prediction(1), 0.0, event_id="mine")
    feedback_stores(store).events.append([stands])

    found = together(
        intake,
        [a_prediction(1), UNREADABLE],
        [HELD, HELD, a_prediction(3)],
        [stands, other, an_outcome(a_prediction(4))],
        [UNREADABLE, a_prediction(5)],
    )

    assert intake.written == [1, 4]
    assert [(each.accepted, each.repeated, each.conflicts) for each in found] == [
        (1, 0, ()),
        (1, 2, ()),
        (1, 1, ("mine",)),
        (1, 0, ()),
    ]
    assert [[refusal.index for refusal in each.refused] for each in found] == [[1], [], [], [0]]


def test_a_row_of_two_callers_is_new_for_one_and_counted_once(store):
    intake = HeldIntake(store)

    found = together(intake, *[[an_outcome(a_prediction(1))]] * 3)

    assert sorted(each.accepted for each in found) == [0, 0, 1]
    assert sum(found, Receipt()) == Receipt(accepted=1, repeated=2)


def test_rows_that_no_database_takes_fail_their_caller_alone(store):
    intake = HeldIntake(store)
    wrong = plain_prediction(a_prediction(1))._replace(prediction_id=cast(str, None))

    good, bad, also = together(intake, [a_prediction(2)], [wrong], [a_prediction(3)])

    assert isinstance(bad, Exception)
    assert (good, also) == (Receipt(accepted=1), Receipt(accepted=1))
    assert feedback_stores(store).auditor.status().predictions == 3


def test_what_waits_is_bounded_and_the_rest_is_refused_whole(store):
    intake = HeldIntake(store, most_waiting=3)
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(intake.keep, [HELD])]
        assert intake.entered.wait(DEADLINE_S)
        found += [pool.submit(intake.keep, [a_prediction(1), a_prediction(2)])]
        found += [pool.submit(intake.keep, [a_prediction(3)])]
        while intake.calls.waiting() < 2:
            threading.Event().wait(0.01)

        with pytest.raises(Busy) as refused:
            intake.keep([a_prediction(9)])
        intake.go.set()

    assert (refused.value.waiting, refused.value.retry_after_s) == (3, 1)
    assert [each.result().accepted for each in found] == [1, 2, 1]
    assert intake.keep([a_prediction(9)]) == Receipt(accepted=1), "the queue is empty again, and nothing was taken"


@pytest.mark.parametrize("count", [3, 2_500])
def test_events_by_columns_are_kept_as_row_by_row(stores, count):
    said = [an_outcome(a_prediction(1), prediction_id=f"p{n}\\", source='a"\t'[:2]) for n in range(count)]
    named = [an_outcome(a_prediction(1), event_id="mine"), an_outcome(a_prediction(1), 0.0, event_id="mine")]
    earlier = replace(said[0], received_at=said[0].received_at - timedelta(hours=3))
    rows = [said[0], *named, *said[1:], earlier]

    receipt = stores.intake.keep_events(sifted(rows, [(1, UNREADABLE)]))
    again = stores.intake.keep(rows)

    assert (receipt.accepted, receipt.repeated, receipt.conflicts) == (count + 1, 1, ("mine",))
    assert [each.index for each in receipt.refused] == [1]
    assert (again.accepted, again.repeated, again.conflicts) == (0, count + 2, ("mine",))
    assert stores.events.about("p0\\")[0].received_at == earlier.received_at
    assert stores.events.about(f"p{count - 1}\\")[0].value == 1.0
    assert [each.reason for each in stores.quarantine.held(10, "open", None)] == [Reason.MALFORMED, Reason.CONFLICT][
        ::-1
    ]


def sifted(rows, rejected):
    """Return events by columns, with places that leave room for the rejected ones."""
    taken = {place for place, _ in rejected}
    places = [place for place in range(len(rows) + len(rejected)) if place not in taken]
    return SiftedEvents(PlainEvents.of(list(map(plain_event, rows))), places, rejected)
