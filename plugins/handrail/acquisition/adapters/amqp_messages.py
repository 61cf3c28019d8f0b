"""RabbitMQ: a durable queue, read with acknowledgements, its loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, ChannelNotFoundEntity, ProbableAuthenticationError

from handrail.acquisition.adapters.yaml_sources import Stream
from handrail.acquisition.ports import Messages
from handrail.errors import Misconfigured, Unavailable

CONNECT_S = 5.0
ANSWER_S = 30.0
SHORTEST_WAIT_S = 0.01
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class AmqpMessage:
    """A message; its place is the message id that its sender gave it, if it did."""

    content: bytes
    place: str
    handle: AbstractIncomingMessage


class AmqpMessages(Messages):
    """A queue that is there. Its messages come to one consumer at a time, and again if it goes.

    The broker may end a channel and let its connection stand, or end a consumer alone as its queue was deleted: neither
    is an error of any call, and both are looked for before each wait.
    """

    def __init__(self, settings: Stream, credentials: str | None) -> None:
        """Connect at the first use."""
        self._settings = settings
        self._address = _with_login(settings.url, credentials)
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._consumer = ""
        self._has_failed = False
        """What failed may have left messages that are taken and come again to nobody while the channel lives."""
        self._came: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="handrail-amqp", daemon=True)
        self._thread.start()

    def take(self, most: int, wait_s: float) -> Sequence[AmqpMessage]:
        """Return what came meanwhile; the broker sends no more than `most` that are not acknowledged."""
        return self._run(self._take(most, wait_s))

    def acknowledge(self, messages: Sequence[AmqpMessage]) -> None:
        """Acknowledge each."""
        self._run(self._acknowledge(messages))

    def close(self) -> None:
        """End the connection and its thread."""
        with suppress(Unavailable):
            self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Found]) -> Found:
        where = self._settings.url
        try:
            found = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except ProbableAuthenticationError as err:
            raise Misconfigured(where, "RabbitMQ does not let us in", "Correct the credentials.") from err
        except ChannelNotFoundEntity as err:
            problem = f"there is no queue {self._settings.topic!r}"
            raise Misconfigured(where, problem, "Declare it, bound to what sensors send to.") from err
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as err:
            said = str(err).partition("\n")[0] or type(err).__name__
            self._has_failed = True
            raise Unavailable(where, f"RabbitMQ does not answer ({said})", "Start it, or correct the address.") from err
        return found

    async def _take(self, most: int, wait_s: float) -> Sequence[AmqpMessage]:
        await self._connected(most)
        taken: list[AbstractIncomingMessage] = []
        with suppress(TimeoutError):
            taken.append(await asyncio.wait_for(self._came.get(), max(wait_s, SHORTEST_WAIT_S)))
        # Waiting for a full page would hold back the first of a steady stream.
        while taken and len(taken) < most and not self._came.empty():
            taken.append(self._came.get_nowait())
        return [AmqpMessage(each.body, each.message_id or "", each) for each in taken]

    async def _acknowledge(self, messages: Sequence[AmqpMessage]) -> None:
        async with asyncio.timeout(ANSWER_S):
            for message in messages:
                await message.handle.ack()

    async def _connected(self, most: int) -> None:
        if await self._is_consuming():
            return
        with suppress(AMQPError, ChannelInvalidStateError, OSError, TimeoutError):
            await self._leave()
        # What came and was not acknowledged comes again.
        self._came, self._has_failed = asyncio.Queue(), False
        async with asyncio.timeout(CONNECT_S):
            self._connection = await aio_pika.connect(self._address)
        async with asyncio.timeout(ANSWER_S):
            self._channel = await self._connection.channel()
            await self._channel.set_qos(prefetch_count=min(most, 65_535))
            waiting: AbstractQueue = await self._channel.get_queue(self._settings.topic, ensure=True)
            self._consumer = await waiting.consume(self._came.put)

    async def _is_consuming(self) -> bool:
        """Say whether the broker sends us what comes."""
        connection, channel = self._connection, self._channel
        if self._has_failed or connection is None or connection.is_closed or channel is None or channel.is_closed:
            return False
        return self._consumer in (await channel.get_underlay_channel()).consumers  # type: ignore[attr-defined]

    async def _leave(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            async with asyncio.timeout(CONNECT_S):
                await connection.close()


def _with_login(url: str, credentials: str | None) -> str:
    if not credentials:
        return url
    parts, (user, _, password) = urlsplit(url), credentials.partition(":")
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.hostname}:{parts.port or 5672}"
    return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
