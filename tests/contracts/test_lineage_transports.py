"""`Transport`: the same promises by the fake, over HTTP, and over a transport of the OpenLineage client."""

import json

import pytest

from handrail.errors import Refused, Unavailable
from handrail.lineage.adapters.openlineage.httpx_transport import HttpxTransport
from handrail.lineage.adapters.openlineage.transport import OpenLineageTransport
from handrail.lineage.domain.outbox import QueuedEvent
from tests.fakes.lineage_events import a_run_event, read
from tests.fakes.lineage_receiver import TransportInMemory, receiving


def a_queued(number):
    event = read(a_run_event(number))
    return QueuedEvent(event.event_id, event.stream, event.body)


FIRST, SECOND = a_queued(1), a_queued(2)


class Memory:
    """The fake is transport and receiver at once."""

    def __init__(self):
        self.transport = TransportInMemory()

    def taken(self):
        return self.transport.taken

    def dislike(self, event):
        self.transport.never = {event.event_id}

    def like_all(self):
        self.transport.never = set()

    def go_away(self):
        self.transport.then_gone = 0

    def come_back(self):
        self.transport.then_gone = None


class OverHttp:
    """A real receiver, which answers with a status."""

    def __init__(self, transport, receiver):
        self.transport, self.receiver = transport, receiver

    def taken(self):
        runs = {json.loads(event.body)["run"]["runId"]: event.event_id for event in (FIRST, SECOND)}
        return [runs[event["run"]["runId"]] for event in self.receiver.events]

    def dislike(self, event):
        self.receiver.answers = [422]

    def like_all(self):
        assert not self.receiver.answers

    def go_away(self):
        self.receiver.answers = [503]

    come_back = like_all


@pytest.fixture(params=["memory", "httpx", "openlineage"])
def world(request):
    if request.param == "memory":
        yield Memory()
        return
    with receiving() as (receiver, url):
        base, _, path = url.partition("/api")
        settings = {"type": "http", "url": base, "endpoint": f"api{path}", "retry": {"total": 0}}
        transport = HttpxTransport(url) if request.param == "httpx" else OpenLineageTransport("there", settings, {})
        yield OverHttp(transport, receiver)
        transport.close()


def test_what_was_sent_is_there_in_order_and_once_more_if_sent_again(world):
    for event in (FIRST, SECOND, FIRST):
        world.transport.send(event)

    assert world.taken() == [FIRST.event_id, SECOND.event_id, FIRST.event_id]


def test_an_event_that_is_refused_is_not_there_and_keeps_no_other_away(world):
    world.dislike(FIRST)

    with pytest.raises(Refused):
        world.transport.send(FIRST)
    world.transport.send(SECOND)

    assert world.taken() == [SECOND.event_id]


def test_what_was_refused_may_be_sent_again(world):
    world.dislike(FIRST)
    with pytest.raises(Refused):
        world.transport.send(FIRST)
    world.like_all()

    world.transport.send(FIRST)

    assert world.taken() == [FIRST.event_id]


def test_an_event_for_a_receiver_that_is_away_is_sent_when_it_is_back(world):
    world.go_away()
    with pytest.raises(Unavailable):
        world.transport.send(FIRST)
    assert world.taken() == []

    world.come_back()
    world.transport.send(FIRST)

    assert world.taken() == [FIRST.event_id]


def test_it_can_be_closed_twice(world):
    world.transport.send(FIRST)

    world.transport.close()
    world.transport.close()

    assert world.taken() == [FIRST.event_id]
