"""Sending over HTTP: what a receiver's answer means."""

import pytest

from handrail.errors import Refused, Unavailable
from handrail.lineage.adapters.openlineage.httpx_transport import HttpxTransport
from handrail.lineage.domain.outbox import QueuedEvent
from tests.fakes.lineage_receiver import receiving

EVENT = QueuedEvent("e" * 64, "stream", '{"name":"ü"}')


def test_an_event_arrives_as_it_is_with_the_token():
    with receiving() as (receiver, url):
        HttpxTransport(url, "secret").send(EVENT)

    assert (receiver.events, receiver.tokens) == ([{"name": "ü"}], {"Bearer secret"})


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Refused), (409, Refused), (413, Refused), (422, Refused)]
    + [(code, Unavailable) for code in (302, 401, 403, 404, 408, 429, 500, 503)],
)
def test_only_what_is_said_of_the_event_itself_is_final(status, error):
    with receiving() as (receiver, url):
        receiver.answers = [status]

        with pytest.raises(error, match=str(status)):
            HttpxTransport(url).send(EVENT)


def test_a_receiver_that_is_not_there_is_unavailable():
    with receiving() as (_, url):
        pass

    with pytest.raises(Unavailable):
        HttpxTransport(url).send(EVENT)
