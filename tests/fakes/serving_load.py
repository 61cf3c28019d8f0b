"""Clients that ask a served bento as fast as it answers, on connections that they keep; and what they got."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass
class Load:
    """Asks about single items, in a list called `name`, one after another by each of some clients, until it is stopped.

    `check` gets an item and the body of its answer, and returns what is wrong with it. Whatever is not an answer with
    status 200 is kept in `lost`.
    """

    url: str
    token: str
    name: str
    items: Sequence[dict[str, Any]]
    check: Callable[[dict[str, Any], dict[str, Any]], str | None]
    clients: int = 4
    done: int = 0
    by_deployment: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let each client end with an answer."""
        self._stop.set()
        self._thread.join(60)

    def until(self, count: int, within_s: float) -> None:
        """Wait until so many were answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.done >= count or self.lost, within_s), self.done

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def _client(self, number: int) -> None:
        at = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        head = f"POST /predict HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
        loop, place = asyncio.get_running_loop(), number
        while not self._stop.is_set():
            item = self.items[place % len(self.items)]
            place += self.clients
            body = json.dumps({self.name: [item]}).encode()
            started = loop.time()
            try:
                writer.write(
                    f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                )
                status, answer = await _answer(reader)
            except (OSError, asyncio.IncompleteReadError) as err:
                self.lost.append(repr(err))
                reader, writer = await asyncio.open_connection(at.hostname, at.port)
                continue
            self._note(item, status, answer, loop.time() - started)
        writer.close()

    def _note(self, item: dict[str, Any], status: int, answer: bytes, took_s: float) -> None:
        self.slowest_s = max(self.slowest_s, took_s)
        if status != 200:
            self.lost.append(f"{status} {answer[:300]!r}")
        else:
            body = json.loads(answer)
            if problem := self.check(item, body):
                self.wrong.append(problem)
            self.ids.add(body["predictions"][0]["prediction_id"])
            self.by_deployment[body["deployment"]] = self.by_deployment.get(body["deployment"], 0) + 1
        with self._changed:
            self.done += 1
            self._changed.notify_all()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in head if line.lower().startswith("content-length:"))
    return int(head[0].split()[1]), await reader.readexactly(length)
