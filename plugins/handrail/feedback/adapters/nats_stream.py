"""NATS JetStream: the messages that one consumer of a durable, shared consumer gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nats.errors import TimeoutError as NothingCame
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from handrail.feedback.adapters.nats_connection import NatsConnection
from handrail.feedback.domain.messages import Message, StreamAddress
from handrail.feedback.stream_ports import MessageStream, StreamWriter

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

SHORTEST_WAIT_S = 0.5
OF_THE_BROKER = "nats-"
"""What headers begin with that are for the server."""
MOST_UNACKNOWLEDGED = 100_000


class NatsStream(MessageStream):
    """One consumer of a group, which is a durable pull consumer; it is made if it is not there yet, a stream is not."""

    def __init__(self, address: StreamAddress, credentials: str | None, again_after_s: float) -> None:
        """Connect at the first use. A new group gets what was not acknowledged for `again_after_s` again."""
        self._address = address
        self._connection = NatsConnection(address, credentials)
        self._again_after_s = again_after_s
        self._subscription: JetStreamContext.PullSubscription | None = None
        self._subscribed_by = 0

    def take(self, most: int, wait_s: float) -> Sequence[Message]:
        """Return what the server delivers; what comes again is chosen by the server."""
        return self._connection.run(self._take(most, wait_s))

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge by the subjects on which messages ask for it; any connection may."""
        self._connection.run(self._connection.acknowledge([each.handle for each in messages]))

    def close(self) -> None:
        """End the connection; the group stays at the server."""
        self._connection.close()

    async def _take(self, most: int, wait_s: float) -> Sequence[Message]:
        jetstream, connection = await self._connection.jetstream()
        if self._subscription is None or self._subscribed_by != connection:
            self._subscription, self._subscribed_by = None, connection
            await self._join(jetstream)
            # Whole batches wait for us, however large their messages are.
            self._subscription = await jetstream.pull_subscribe_bind(
                durable=self._address.group, stream=self._address.name, pending_bytes_limit=0
            )
        # One that fails is not used again: it may be answered by what it asked for before.
        subscription, self._subscription = self._subscription, None
        try:
            found = await subscription.fetch(most, max(wait_s, SHORTEST_WAIT_S))
        except (NothingCame, TimeoutError):
            found = []
        self._subscription = subscription
        return [_message(each) for each in found]

    async def _join(self, jetstream: JetStreamContext) -> None:
        name, group = self._address.name, self._address.group
        try:
            await jetstream.consumer_info(name, group)
        except NotFoundError:
            wanted = ConsumerConfig(
                durable_name=group,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._again_after_s,
                max_ack_pending=MOST_UNACKNOWLEDGED,
            )
            await jetstream.add_consumer(name, wanted)


class NatsWriter(StreamWriter):
    """Publishes on the subject NAME.predictions, which a stream of that name has to take."""

    def __init__(self, address: StreamAddress, credentials: str | None) -> None:
        """Connect at the first use."""
        self._connection = NatsConnection(address, credentials)
        self._name = address.name

    def write(self, bodies: Sequence[bytes], headers: Mapping[str, str]) -> None:
        """Publish each body, and wait until the stream has it."""
        self._connection.run(self._write(bodies, headers))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    async def _write(self, bodies: Sequence[bytes], headers: Mapping[str, str]) -> None:
        jetstream, _ = await self._connection.jetstream()
        for body in bodies:
            await jetstream.publish(f"{self._name}.predictions", body, stream=self._name, headers=dict(headers))


def _message(found: Msg) -> Message:
    place = str(found.metadata.sequence.stream)
    headers = {name.lower(): text for name, text in (found.headers or {}).items()}
    said = {name: text for name, text in headers.items() if not name.startswith(OF_THE_BROKER)}
    return Message(place, found.reply, found.data, said)
