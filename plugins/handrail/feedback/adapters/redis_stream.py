"""Redis Streams: the entries that one consumer of a group reads, and those of consumers that are gone."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError, ResponseError
from redis.retry import Retry

from handrail.errors import Misconfigured, Unavailable
from handrail.feedback.domain.messages import Message, StreamAddress
from handrail.feedback.stream_ports import MessageStream, StreamWriter

BODY = "body"
"""The field of an entry that holds its body; its other fields are headers."""
CONNECT_S, ANSWER_S = 3.0, 5.0
LOOKS_A_TERM = 5
REFUSED = (AuthenticationError, AuthorizationError, NoPermissionError)


class RedisStream(MessageStream):
    """One consumer of a group, made with its stream if they are not there yet."""

    def __init__(self, address: StreamAddress, credentials: str | None, again_after_s: float) -> None:
        """Connect at the first use. What another consumer holds for longer than `again_after_s` is taken over."""
        self._address = address
        self._client = connect(address, credentials)
        self._again_after_s = again_after_s
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._names = (address.name, address.group)
        self._is_ready = False
        self._cursor: str | bytes = "0-0"
        self._look_at = 0.0

    def take(self, most: int, wait_s: float) -> Sequence[Message]:
        """Return entries of consumers that are gone, else new ones."""
        with self._translated():
            self._join()
            return self._left_behind(most) or self._new(most, wait_s)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge by the ids of entries."""
        with self._translated():
            self._client.xack(*self._names, *(each.handle for each in messages))

    def close(self) -> None:
        """Leave the group, unless something was not acknowledged: Redis would forget who had it, and it with that."""
        with suppress(RedisError):
            if not self._client.xpending_range(*self._names, "-", "+", 1, self._consumer):
                self._client.xgroup_delconsumer(*self._names, self._consumer)
        self._client.close()

    def _join(self) -> None:
        if self._is_ready:
            return
        try:
            self._client.xgroup_create(*self._names, id="0", mkstream=True)
        except ResponseError as err:
            if not str(err).startswith("BUSYGROUP"):
                raise
        self._is_ready = True

    def _left_behind(self, most: int) -> Sequence[Message]:
        if time.monotonic() < self._look_at:
            return ()
        idle_ms = int(self._again_after_s * 1_000)
        answer = self._client.xautoclaim(*self._names, self._consumer, idle_ms, self._cursor, count=most)
        self._cursor = answer[0]
        if self._cursor in (b"0-0", "0-0"):
            self._look_at = time.monotonic() + self._again_after_s / LOOKS_A_TERM
        # Redis before 7 names entries that were deleted.
        return [_message(*entry) for entry in answer[1] if entry[1] is not None]

    def _new(self, most: int, wait_s: float) -> Sequence[Message]:
        block_ms = max(int(wait_s * 1_000), 1) if wait_s else None
        answer = self._client.xreadgroup(
            self._address.group, self._consumer, {self._address.name: ">"}, count=most, block=block_ms
        )
        pairs = answer.items() if isinstance(answer, dict) else answer or ()
        return [_message(*entry) for _, entries in pairs for entry in _flat(entries)]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(self._address):
                yield
        except Unavailable:
            # After a restart of Redis the group may be gone.
            self._is_ready = False
            raise


class RedisWriter(StreamWriter):
    """Adds entries to a stream, which is made if it is not there yet."""

    def __init__(self, address: StreamAddress, credentials: str | None) -> None:
        """Connect at the first use."""
        self._address = address
        self._client = connect(address, credentials)

    def write(self, bodies: Sequence[bytes], headers: Mapping[str, str]) -> None:
        """Add an entry for each body, with one wait for the answers."""
        with translated(self._address), self._client.pipeline(transaction=False) as pipeline:
            for body in bodies:
                fields: dict[Any, Any] = {BODY: body, **headers}
                pipeline.xadd(self._address.name, fields)
            pipeline.execute()

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def connect(address: StreamAddress, credentials: str | None) -> redis.Redis:
    """Return a client that tries nothing twice; it connects at its first use."""
    user, _, password = (credentials or "").rpartition(":")
    return redis.Redis.from_url(
        address.url,
        username=user or None,
        password=password or None,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 0),
    )


@contextmanager
def translated(address: StreamAddress) -> Iterator[None]:
    """Turn the errors of Redis into ours."""
    try:
        yield
    except REFUSED as err:
        remedy = "Correct the credentials, or what their user may do with the stream."
        raise Misconfigured(address.url, f"Redis does not let us in ({err})", remedy) from err
    except ResponseError as err:
        if str(err).startswith("WRONGTYPE"):
            remedy = "Name a stream, or a key that is not used yet."
            raise Misconfigured(str(address), "the key is no stream", remedy) from err
        raise Unavailable(str(address), f"Redis refused ({err})", "See what its log says.") from err
    except (RedisError, OSError) as err:
        said = str(err).partition("\n")[0].rstrip(".") or type(err).__name__
        raise Unavailable(address.url, f"Redis does not answer ({said})", "Start it, or correct the address.") from err


def _flat(entries: Any) -> Any:
    """Return entries as they come in the second version of Redis' protocol; in the third they have one list more."""
    return entries[0] if len(entries) == 1 and isinstance(entries[0], list) else entries


def _message(name: bytes, fields: dict[bytes, bytes]) -> Message:
    headers = {key.decode(errors="replace").lower(): text for key, text in fields.items()}
    body = headers.pop(BODY, b"")
    said = {key: text.decode(errors="replace") for key, text in headers.items()}
    return Message(name.decode(), name.decode(), body, said)
