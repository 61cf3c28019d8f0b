"""Too much at once is refused with a moment to try again; a caller who is slow with headers loses the connection."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from handrail.entrypoints.bentoml import limits
from handrail.entrypoints.bentoml.limits import Bounded, PatientProtocol
from handrail.entrypoints.bentoml.siblings import ELSEWHERE, elsewhere_not_ready
from handrail.entrypoints.http.feedback_guard import FeedbackGuard, Rules

RULES = Rules("t" * 32, frozenset({"/livez"}), frozenset({"/predict", "/api/feedback"}), frozenset({"/predict"}))


async def ask(app: Any, path: str, token: str = RULES.token) -> tuple[int, dict[str, str]]:
    """Send one request; return its status and headers."""
    seen: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        seen.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    method = "GET" if path == "/livez" else "POST"
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
    await app(scope, receive, send)
    return seen[0]["status"], {name.decode(): text.decode() for name, text in seen[0]["headers"]}


def play(story: Callable[[Any, asyncio.Event], Awaitable[None]]) -> None:
    """Run a story with an app that answers after its event."""

    async def live() -> None:
        go = asyncio.Event()

        async def app(_scope: object, _receive: object, send: Any) -> None:
            await go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        await story(FeedbackGuard(Bounded(app, RULES, most=3), RULES), go)

    asyncio.run(live())


def test_one_more_than_fits_is_refused_at_once_with_a_moment_to_try_again() -> None:
    async def story(guard: Any, go: asyncio.Event) -> None:
        waiting = [asyncio.create_task(ask(guard, "/predict")) for _ in range(3)]
        await asyncio.wait(waiting, timeout=0.05)

        status, headers = await ask(guard, "/predict")
        go.set()

        assert (status, headers["retry-after"]) == (429, "1")
        assert [(await each)[0] for each in waiting] == [200, 200, 200]
        assert (await ask(guard, "/predict"))[0] == 200

    play(story)


def test_predictions_starve_neither_feedback_nor_health() -> None:
    async def story(guard: Any, go: asyncio.Event) -> None:
        waiting = [asyncio.create_task(ask(guard, "/predict")) for _ in range(3)]
        await asyncio.wait(waiting, timeout=0.05)
        others = [asyncio.create_task(ask(guard, path)) for path in ("/api/feedback", "/livez")]
        await asyncio.wait(others, timeout=0.05)
        go.set()

        assert [(await each)[0] for each in (*others, *waiting)] == [200] * 5

    play(story)


def test_strangers_take_no_room() -> None:
    async def story(guard: Any, go: asyncio.Event) -> None:
        for _ in range(10):
            assert (await ask(guard, "/predict", "wrong"))[0] == 401
        go.set()
        assert (await ask(guard, "/predict"))[0] == 200

    play(story)


def test_a_service_that_is_not_ready_says_when_to_ask_again() -> None:
    async def app(_scope: object, _receive: object, _send: object) -> None:
        raise AssertionError

    status, headers = asyncio.run(ask(FeedbackGuard(app, RULES, lambda: "No model."), "/predict"))

    assert (status, headers["retry-after"]) == (503, "5")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that gives headers a fifth of a second."""
    monkeypatch.setattr(limits, "HEADERS_WITHIN_S", 0.2)

    async def app(_scope: object, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(app, http=PatientProtocol, lifespan="off", log_level="error", loop="asyncio")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize("said", [b"", b"GET", b"POST /predict HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_headers_that_do_not_come_end_the_connection(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        slow.sendall(said)

        assert slow.recv(100) == b""


def test_a_byte_now_and_then_is_not_enough(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        ended = False
        for _ in range(200):
            try:
                slow.sendall(b"a")
                ended = slow.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                break

    assert ended


def test_a_connection_goes_on_for_more_than_one_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok"):
                answer += client.recv(1000)

            assert answer.startswith(b"HTTP/1.1 200")


SIBLING = """
import os, sys
from handrail.entrypoints.bentoml.metrics import Metrics
metrics = Metrics()
if sys.argv[1] != "loading":
    metrics.ready(sys.argv[1] == "ready")
print("said", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("state", "sentence"), [("ready", None), ("loading", None), ("not", ELSEWHERE)])
def test_readiness_is_that_of_every_process_that_takes_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, sentence: str | None
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SIBLING, state]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sibling:
        assert sibling.stdout is not None
        assert sibling.stdout.readline() == "said\n"

        assert elsewhere_not_ready() == sentence
        sibling.kill()

    assert elsewhere_not_ready() is None
