"""What the sides of `feedback-ingest` have in common: the events, 64 callers over HTTP, and how long each waited."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.feedback import Feedback

CALLERS = 64
BATCH = 100_000
Document = dict[str, Any]
MADE = datetime(2026, 11, 1, tzinfo=UTC)


def an_event(number: int) -> Feedback:
    """Return one of as many events as there are numbers."""
    happened = MADE + timedelta(seconds=number)
    name = f"5a2e6c1c-6b0c-5f0e-9d0c-{number:012x}"
    return Feedback(name, "ground_truth", float(number % 2), "airport-feed", 0, happened, happened)


def columns(count: int = BATCH) -> dict[str, list[Any]]:
    """Return a batch by columns, in an order that has nothing to do with its ids; moments in microseconds."""
    chance = random.Random(1)
    begin = int(MADE.timestamp()) * 1_000_000
    return {
        "prediction_id": [f"5a2e6c1c-6b0c-5f0e-9d0c-{chance.getrandbits(48):012x}" for _ in range(count)],
        "kind": ["ground_truth"] * count,
        "value": [float(number % 2) for number in range(count)],
        "source": ["airport-feed"] * count,
        "occurred_at": [begin + chance.randrange(30 * 86_400_000_000) for _ in range(count)],
        "received_at": [begin + 31 * 86_400_000_000 + number for number in range(count)],
    }


def waited(latencies: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile in ms."""
    ordered = sorted(latencies)
    return {"p50_ms": 1e3 * ordered[len(ordered) // 2], "p99_ms": 1e3 * ordered[int(0.99 * (len(ordered) - 1))]}


def at_once(call: Callable[[int], object], count: int) -> Document:
    """Call for each number from 64 threads; each call returns when its event is on the disk."""

    def timed(number: int) -> float:
        begin = time.perf_counter()
        call(number)
        return time.perf_counter() - begin

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(timed, range(-CALLERS, 0)))  # connections and caches
        begin = time.perf_counter()
        latencies = list(pool.map(timed, range(count)))
        wall = time.perf_counter() - begin
    return {"events": count, "wall_s": wall} | waited(latencies)


def one_by_one(call: Callable[[int], object], count: int) -> Document:
    """Call for each number, one after the other."""
    latencies = []
    begin = time.perf_counter()
    for number in range(count):
        before = time.perf_counter()
        call(number)
        latencies.append(time.perf_counter() - before)
    return {"events": count, "wall_s": time.perf_counter() - begin} | waited(latencies)


def over_http(port: int, path: str, bodies: Sequence[bytes], headers: str = "") -> Document:
    """Post bodies over 64 connections that stay open; stop at an answer that is not 200 or 201."""
    waiting, latencies = list(enumerate(bodies)), [0.0] * len(bodies)

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            number, body = waiting.pop()
            begin = time.perf_counter()
            head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}content-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await read_answer(reader)
            latencies[number] = time.perf_counter() - begin
        writer.close()

    wall = run_callers(caller)
    return {"events": len(bodies), "wall_s": wall} | waited(latencies)


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Return the body of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
    if "content-length" in fields:
        body = await reader.readexactly(int(fields["content-length"]))
    else:
        body = b""
        while length := int(await reader.readline(), 16):
            body += (await reader.readexactly(length + 2))[:-2]
        await reader.readline()
    if head.split()[1] not in ("200", "201"):
        raise SystemExit(f"The server answered {head.splitlines()[0]}: {body[:300]!r}")
    return body


def run_callers(caller: Callable[[], Awaitable[None]]) -> float:
    """Run 64 callers; return the seconds."""

    async def run() -> float:
        begin = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return time.perf_counter() - begin

    return asyncio.run(run())


def as_json(event: Feedback) -> bytes:
    """Return the body that reports an event."""
    said = {"prediction_id": event.prediction_id, "kind": event.kind, "value": event.value, "source": event.source}
    return json.dumps(said | {"occurred_at": event.occurred_at.isoformat()}).encode()
