"""The load generator of `bench-serving`: `REQUESTS PORT CLIENTS SECONDS` prints latencies as JSON.

REQUESTS is a file with one request a line, as JSON: path, headers and body. Each client keeps its connection and sends
the next request when it has the answer to the last one. What is sent is made before; what is answered is not read,
beyond its status and its length.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

ANSWER_WITHIN_S = 60.0


def as_bytes(request: dict[str, Any]) -> bytes:
    """Return a request as it is sent."""
    body = json.dumps(request["body"], separators=(",", ":")).encode()
    headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body)}
    lines = "".join(f"{name}: {text}\r\n" for name, text in (headers | request.get("headers", {})).items())
    return f"POST {request['path']} HTTP/1.1\r\n{lines}\r\n".encode() + body


class Client(asyncio.Protocol):
    """One client on one connection."""

    def __init__(self, requests: Sequence[bytes], place: int, until: float, done: asyncio.Future[None]) -> None:
        """Ask one request after another, from a place on, until a moment of `perf_counter`."""
        self._requests, self._place, self._until, self._done = requests, place, until, done
        self._waiting = b""
        self._sent = 0.0
        self.latencies: list[float] = []
        self.failed: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport: Any = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take an answer, and send the next request once it is whole."""
        self._waiting += data
        if not _is_whole(self._waiting):
            return
        now = perf_counter()
        self.latencies.append(now - self._sent)
        if self._waiting[9:12] != b"200":
            self.failed.append(self._waiting[:300])
        self._waiting = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a connection that ended before the time is a failure."""
        if perf_counter() < self._until:
            self.failed.append(b"the connection ended")
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        request = self._requests[self._place % len(self._requests)]
        self._place += 1
        self._sent = perf_counter()
        self._transport.write(request)


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])


async def load(requests: Sequence[bytes], port: int, clients: int, seconds: float) -> dict[str, Any]:
    """Ask for some seconds; return the number of answers, seconds that it took, p50 and p99 in ms, and what failed."""
    loop = asyncio.get_running_loop()
    began = perf_counter()
    all_of_them, waits = [], []
    for number in range(clients):
        done: asyncio.Future[None] = loop.create_future()
        place = number * len(requests) // clients
        one = Client(requests, place, began + seconds, done)
        all_of_them.append(one)
        waits.append(done)
        await loop.create_connection(lambda one=one: one, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*waits), seconds + ANSWER_WITHIN_S)
    took = perf_counter() - began
    latencies = sorted(each for one in all_of_them for each in one.latencies)
    failed = [each.decode("latin-1") for one in all_of_them for each in one.failed]
    return {
        "answers": len(latencies),
        "wall_s": took,
        "throughput": len(latencies) / took,
        "p50_ms": 1e3 * latencies[len(latencies) // 2],
        "p99_ms": 1e3 * latencies[int(0.99 * len(latencies))],
        "failed": failed[:5],
    }


def main() -> None:
    """Ask, and print."""
    file, port, clients, seconds = sys.argv[1:]
    requests = [as_bytes(json.loads(line)) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    gc.disable()
    found = asyncio.run(load(requests, int(port), int(clients), float(seconds)))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
