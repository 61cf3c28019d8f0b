"""What every outbox promises: in order, until settled, refused events aside; and the forwarder over it."""

import pytest

from handrail.errors import UnknownReference
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.outbox import SqlOutbox
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.facts import describe_derivation
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.outbox import Forwarded, QueueLength
from handrail.lineage.service import forwarding
from handrail.lineage.service.forwarding import Forwarder
from tests.fakes.lineage_events import EventsInMemory, OutboxInMemory, a_run_event, read
from tests.fakes.lineage_receiver import TransportInMemory
from tests.fakes.lineage_stores import KINDS, an_empty_store

BOT = "actor://service/airflow"


def at(minute, run=1, state="RUNNING"):
    return read(a_run_event(run, state, eventTime=f"2026-11-23T12:{minute:02}:00Z"))


END, START, MIDDLE, FIRST = at(9, state="COMPLETE"), at(5, state="START"), at(5), at(1, run=2)
ORDER = [FIRST, START, MIDDLE, END]


@pytest.fixture(params=["memory", *KINDS])
def ports(request):
    """The log, the graph and the outbox of one store."""
    if request.param == "memory":
        log = EventsInMemory()
        yield log, log.graph, OutboxInMemory(log)
        return
    with an_empty_store(request.param) as store:
        yield SqlEvents(store), SqlGraph(store), SqlOutbox(store)


@pytest.fixture
def outbox(ports):
    log, _, outbox = ports
    log.add([END, START], BOT, ["marquez", "archive"])
    log.add([FIRST, MIDDLE], BOT, ["marquez"])
    return outbox


def ids(events):
    return [event.event_id for event in events]


def test_events_wait_in_the_order_in_which_they_happened(outbox):
    assert ids(outbox.waiting("marquez", 9)) == ids(ORDER)
    assert ids(outbox.waiting("marquez", 2)) == ids(ORDER[:2])
    assert ids(outbox.waiting("archive", 9)) == ids([START, END])
    assert outbox.waiting("nobody", 9) == ()
    assert [(each.stream, each.body) for each in outbox.waiting("marquez", 1)] == [(FIRST.stream, FIRST.body)]


def test_a_settled_event_is_gone_for_one_sink_alone(outbox):
    outbox.settle("marquez", ids([START, END]))
    outbox.settle("marquez", [*ids([START]), "unknown"])
    outbox.settle("marquez", [])

    assert ids(outbox.waiting("marquez", 9)) == ids([FIRST, MIDDLE])
    assert outbox.lengths() == (QueueLength("archive", 2, 0), QueueLength("marquez", 2, 0))


def test_a_refused_event_waits_no_more_until_it_is_tried_again(outbox):
    outbox.refuse("marquez", START.event_id, "HTTP 422")

    assert ids(outbox.waiting("marquez", 9)) == ids([FIRST, MIDDLE, END])
    assert outbox.lengths()[1] == QueueLength("marquez", 3, 1)
    assert outbox.retry("marquez") == 1
    assert ids(outbox.waiting("marquez", 9)) == ids(ORDER)


def test_forwarding_empties_the_queue_in_order(outbox):
    transport = TransportInMemory()

    assert Forwarder(outbox, {"marquez": transport}).forward("marquez") == Forwarded("marquez", 4, 0)
    assert transport.taken == ids(ORDER)
    assert outbox.lengths() == (QueueLength("archive", 2, 0),)


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5])
def test_a_queue_longer_than_what_is_read_at_once_is_emptied_in_order(outbox, monkeypatch, page):
    monkeypatch.setattr(forwarding, "PAGE", page)
    transport = TransportInMemory(never=ids([START]))

    assert Forwarder(outbox, {"marquez": transport}).forward("marquez") == Forwarded("marquez", 3, 1)
    assert transport.taken == ids([FIRST, MIDDLE, END])


def test_a_forwarder_closes_what_it_sends_through(outbox):
    transports = {name: TransportInMemory() for name in ("marquez", "archive")}
    forwarder = Forwarder(outbox, transports)

    forwarder.close()

    assert forwarder.sinks == ("archive", "marquez")
    assert all(transport.closed for transport in transports.values())


def test_a_receiver_that_goes_away_loses_nothing(outbox):
    away = TransportInMemory(then_gone=2)

    done = Forwarder(outbox, {"marquez": away}).forward("marquez")

    assert (done.sent, "gone" in str(done.stopped)) == (2, True)
    assert ids(outbox.waiting("marquez", 9)) == ids(ORDER[2:])


def test_a_refused_event_does_not_hold_up_the_others(outbox):
    picky = TransportInMemory(never=ids([START]))
    forwarder = Forwarder(outbox, {"marquez": picky})

    assert forwarder.forward("marquez") == Forwarded("marquez", 3, 1)
    assert forwarder.forward("marquez") == Forwarded("marquez", 0, 0)
    picky.never = set()
    assert forwarder.retry("marquez") == 1
    assert forwarder.forward("marquez") == Forwarded("marquez", 1, 0)
    assert sorted(picky.taken) == sorted(ids(ORDER))


def test_an_unknown_sink_is_reported(outbox):
    forwarder = Forwarder(outbox, {"marquez": TransportInMemory()})

    for call in (forwarder.forward, forwarder.retry):
        with pytest.raises(UnknownReference, match="marquez"):
            call("archive")


def test_an_event_that_reports_facts_is_queued_with_the_first_of_them(ports):
    _, graph, outbox = ports
    facts = describe_derivation(artifact_at("dvc://shop/b"), artifact_at("dvc://shop/a"), "dvc")

    assert graph.record(facts, [END], ["marquez", "archive"])
    assert not graph.record(facts, [START], ["marquez"]), "nothing new, so nothing to tell"

    assert ids(outbox.waiting("marquez", 9)) == ids(outbox.waiting("archive", 9)) == ids([END])
    assert graph.walk(END.stream, Direction.CAUSES, 9) is None, "the facts say it, the event does not"


def test_a_refused_fact_queues_nothing(ports):
    _, graph, outbox = ports

    with pytest.raises(CycleRefused):
        graph.record(describe_derivation(artifact_at("dvc://shop/a"), artifact_at("dvc://shop/a"), "dvc"), [END], ["m"])

    assert outbox.lengths() == ()


def test_an_own_event_that_comes_back_is_known_and_one_sent_before_is_not_queued_again(ports):
    log, graph, outbox = ports
    log.add([START], BOT, ["marquez"])

    graph.record(describe_derivation(artifact_at("dvc://shop/b"), artifact_at("dvc://shop/a"), "dvc"), [START], ["x"])
    graph.record(describe_derivation(artifact_at("dvc://shop/c"), artifact_at("dvc://shop/a"), "dvc"), [END], ["x"])

    assert log.add([END], BOT, ["marquez"]).new == set()
    assert outbox.lengths() == (QueueLength("marquez", 1, 0), QueueLength("x", 1, 0))
