from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flows.steps.replay.bento import ATTEMPTS, BentoClient
from handrail.errors import Refused, Unavailable

HOUR = datetime(2013, 8, 8, 12, tzinfo=UTC)


class Scripted(BaseHTTPRequestHandler):
    """Answers with the next of the server's scripted replies, and keeps what was asked."""

    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"], json.loads(body)))
        script = self.server.script
        status, content = script.pop(0) if len(script) > 1 else script[0]
        answer = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Any]:
    httpd: Any = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    httpd.asked, httpd.script = [], [(200, {"predictions": []})]
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(server: Any, waits: list[float]) -> Iterator[BentoClient]:
    with BentoClient(f"http://127.0.0.1:{server.server_port}", "secret", "flights", waits.append) as bento:
        yield bento


def test_a_batch_is_posted_with_the_token(server: Any, client: BentoClient) -> None:
    answer = client.predict(HOUR, [{"flight_id": "x"}])

    assert answer.content == {"predictions": []}
    assert answer.failures == 0
    assert server.asked == [("/predict", "Bearer secret", {"flights": [{"flight_id": "x"}]})]


def test_a_passing_failure_is_tried_again_with_growing_pauses(
    server: Any, client: BentoClient, waits: list[float]
) -> None:
    server.script = [(503, {"detail": "busy"}), (500, {}), (200, {"ok": True})]

    answer = client.report(HOUR, [])

    assert (answer.failures, answer.content) == (2, {"ok": True})
    assert waits == [0.25, 0.5]


def test_a_lasting_failure_ends_in_one_sentence_that_names_the_hour(server: Any, client: BentoClient) -> None:
    server.script = [(503, {"detail": "No permitted model exists yet."})]

    with pytest.raises(Unavailable, match=r"the batch of 2013-08-08T12:00Z in 6 attempts.*No permitted model"):
        client.predict(HOUR, [])

    assert len(server.asked) == ATTEMPTS


def test_what_the_bento_refuses_is_not_sent_again(server: Any, client: BentoClient) -> None:
    server.script = [(401, {"detail": "The token is not valid."})]

    with pytest.raises(Refused, match="401: The token is not valid"):
        client.predict(HOUR, [])

    assert len(server.asked) == 1


def test_a_bento_that_is_not_there_is_named(waits: list[float]) -> None:
    with (
        BentoClient("http://127.0.0.1:9", "secret", "flights", waits.append) as bento,
        pytest.raises(Unavailable, match=":9"),
    ):
        bento.predict(HOUR, [])

    assert len(waits) == ATTEMPTS - 1
