"""A connection to NATS for callers that are not asynchronous: its loop runs in a thread, its errors are ours."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.errors import AuthorizationError, Error
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from handrail.errors import Misconfigured, Unavailable
from handrail.feedback.domain.messages import StreamAddress

CONNECT_S, ANSWER_S = 4.0, 5.0
_log = logging.getLogger("handrail.feedback")
Found = TypeVar("Found")


class NatsConnection:
    """One connection at a time: one that broke is followed by another at the next use."""

    def __init__(self, address: StreamAddress, credentials: str | None) -> None:
        """Connect at the first use."""
        self._address = address
        self._options = _login(credentials)
        self._client: Client | None = None
        self._number = 0
        self._said = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="handrail-nats", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Return what an asynchronous call returns.

        Raises:
            Unavailable: NATS is not there (any more), or refuses.
            Misconfigured: it does not let us in, or has no such stream.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except NotFoundError as err:
            remedy = f"Make it, as with: nats stream add {self._address.name} --subjects '{self._address.name}.>'"
            raise Misconfigured(str(self._address), "there is no such stream", remedy) from err
        except (Error, OSError, TimeoutError) as err:
            said = f"{self._said} {err}".strip()
            if isinstance(err, AuthorizationError) or "authorization" in said.lower():
                remedy = "Correct the credentials, or what their user may do with the stream."
                raise Misconfigured(self._address.url, "NATS does not let us in", remedy) from err
            problem = f"NATS does not answer ({said.partition(chr(10))[0].rstrip('.') or type(err).__name__})"
            raise Unavailable(self._address.url, problem, "Start it, or correct the address.") from err

    async def jetstream(self) -> tuple[JetStreamContext, int]:
        """Return the JetStream of a connection that works, and the number of the connection."""
        if self._client is not None and self._client.is_connected:
            return self._client.jetstream(timeout=ANSWER_S), self._number
        await self._leave()
        self._said = ""
        client = Client()
        try:
            await asyncio.wait_for(self._connect(client), CONNECT_S)
            self._client = client
        finally:
            if self._client is None:
                with suppress(Error, OSError, TimeoutError, asyncio.TimeoutError):
                    await client.close()
        self._number += 1
        return client.jetstream(timeout=ANSWER_S), self._number

    async def _connect(self, client: Client) -> None:
        await client.connect(
            self._address.url,
            error_cb=self._heard,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=int(CONNECT_S),
            **self._options,
        )

    async def acknowledge(self, handles: list[str]) -> None:
        """Send acknowledgements, and return once the server has them."""
        await self.jetstream()
        assert self._client is not None
        for handle in handles:
            await self._client.publish(handle, b"+ACK")
        await self._client.flush(int(ANSWER_S))

    def close(self) -> None:
        """End the connection and its thread."""
        with suppress(Unavailable, Misconfigured):
            self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        await self._leave()
        # nats-py cancels its tasks and does not wait for them.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            await client.close()

    async def _heard(self, err: Exception) -> None:
        # nats-py would write a traceback for every attempt.
        self._said = str(err)
        _log.debug("NATS: %s", err)


def _login(credentials: str | None) -> dict[str, Any]:
    user, is_pair, password = (credentials or "").partition(":")
    if is_pair:
        return {"user": user, "password": password}
    return {"token": user} if user else {}
