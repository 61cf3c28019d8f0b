"""What the client of the gate makes of an answer that is not this release's own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from handrail.entrypoints.http.gate_client import GateClient
from handrail.errors import HandrailError, Refused, Unavailable

SENTENCE = "The body is larger than 9 bytes. Send less evidence."


@contextmanager
def _answering(status: int, document: object) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "document", "kind", "words"),
    [
        (413, {"detail": SENTENCE}, Refused, SENTENCE),
        (409, {"title": "Closed", "detail": "It is closed.", "facts": {"other": 1}}, Refused, "It is closed."),
        (503, {"detail": "The store is locked."}, Unavailable, "The store is locked. See its log."),
        (413, {"title": "Content Too Large"}, Unavailable, "it answered 413"),
        (404, {"detail": ["x"]}, Unavailable, "it answered 404"),
        (404, ["x"], Unavailable, "--app-name handrail"),
    ],
)
def test_an_answer_without_facts_keeps_its_sentence(
    status: int, document: object, kind: type[HandrailError], words: str
) -> None:
    with _answering(status, document) as url, GateClient(url, "ann", "x") as gate, pytest.raises(kind) as caught:
        gate.requests()

    assert type(caught.value) is kind
    assert words in str(caught.value)
