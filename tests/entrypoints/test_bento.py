"""The guard alone, around a small ASGI app, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.entrypoints.bento import App, Guard, Message, Receive, Rules, Send

TOKEN = "t" * 32
RULES = Rules(
    token=TOKEN,
    open_paths=frozenset({"/readyz", "/livez", "/metrics"}),
    guarded_paths=frozenset({"/predict", "/api/feedback"}),
    model_paths=frozenset({"/predict"}),
    page=b"<html>page</html>",
    max_body_bytes=100,
    body_timeout_s=0.05,
)


@dataclass
class Inner:
    """An app that records what reaches it and answers as it is told."""

    status: int = 200
    kind: bytes = b"application/json"
    body: bytes = b'{"ok": true}'
    raises: Exception | None = None
    late: bool = False
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.seen.append(("lifespan", b""))
            return
        message = await receive()
        self.seen.append((scope["path"], message["body"]))
        if self.raises is not None and not self.late:
            raise self.raises
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-type", self.kind)]})
        if self.raises is not None:
            raise self.raises
        half = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[half:]})


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


AUTHORISED = ((b"authorization", b"Bearer " + TOKEN.encode()), (b"content-type", b"application/json"))


def call(
    app: App,
    path: str,
    method: str = "POST",
    headers: Iterable[tuple[bytes, bytes]] = AUTHORISED,
    body: Iterable[bytes] = (b"{}",),
    complete: bool = True,
) -> Answer:
    """Send one request through an ASGI app; `body` are its chunks, the last one missing if not `complete`."""
    sent: list[Message] = []
    chunks = list(body)
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": not complete or index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "headers": list(headers)}
    asyncio.run(app(scope, receive, send))
    assert [message["type"] for message in sent[:1]] == ["http.response.start"]
    assert sum(message["type"] == "http.response.start" for message in sent) == 1
    return Answer(
        sent[0]["status"],
        {key.decode().lower(): value.decode() for key, value in sent[0]["headers"]},
        b"".join(message["body"] for message in sent[1:]),
    )


def test_a_request_with_the_token_reaches_the_app_whole() -> None:
    inner = Inner()

    answer = call(Guard(inner, RULES), "/predict", body=(b'{"a":', b"1}"))

    assert (answer.status, json.loads(answer.body)) == (200, {"ok": True})
    assert inner.seen == [("/predict", b'{"a":1}')]


@pytest.mark.parametrize(
    "authorization",
    [None, b"", b"Bearer", b"Bearer ", b"Bearer wrong", b"Basic " + TOKEN.encode(), TOKEN.encode(), b"Bearer \xff"],
)
@pytest.mark.parametrize("path", ["/predict", "/api/feedback"])
def test_what_writes_needs_the_token(path: str, authorization: bytes | None) -> None:
    inner = Inner()
    headers = [(b"content-type", b"application/json")]
    if authorization is not None:
        headers.append((b"authorization", authorization))

    answer = call(Guard(inner, RULES), path, headers=headers)

    assert answer.status == 401
    assert "Authorization: Bearer" in answer.problem["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert inner.seen == []


def test_two_authorization_headers_are_refused_even_if_one_is_right() -> None:
    answer = call(Guard(Inner(), RULES), "/predict", headers=[*AUTHORISED, (b"Authorization", b"Bearer x")])

    assert answer.status == 401


def test_an_empty_configured_token_lets_nobody_in() -> None:
    answer = call(Guard(Inner(), replace(RULES, token="")), "/predict", headers=[(b"authorization", b"Bearer ")])

    assert answer.status == 401


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/metrics"])
def test_health_and_metrics_are_open(path: str) -> None:
    assert call(Guard(Inner(), RULES), path, "GET", headers=()).status == 200


@pytest.mark.parametrize(
    "path", ["/predict/", "//predict", "/Predict", "/apis", "/api/x", "/static_content/x", "/metrics/1"]
)
def test_an_unknown_path_never_reaches_the_app(path: str) -> None:
    inner = Inner()

    answer = call(Guard(inner, RULES), path)

    assert (answer.status, inner.seen) == (404, [])


def test_an_open_path_can_only_be_read() -> None:
    answer = call(Guard(Inner(), RULES), "/metrics", "POST")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("declared", [b"101", b"10000000", b"-1", b"ten"])
def test_a_body_declared_too_large_is_refused_unread(declared: bytes) -> None:
    inner = Inner()

    answer = call(Guard(inner, RULES), "/predict", headers=[*AUTHORISED, (b"content-length", declared)])

    assert (answer.status, inner.seen) == (413, [])
    assert "larger than 100 bytes" in answer.problem["detail"]


def test_a_body_that_grows_too_large_is_refused() -> None:
    inner = Inner()

    answer = call(Guard(inner, RULES), "/predict", body=[b"x" * 60, b"y" * 60, b"z" * 10**7])

    assert (answer.status, inner.seen) == (413, [])


def test_a_body_that_never_ends_is_given_up() -> None:
    answer = call(Guard(Inner(), RULES), "/predict", body=[b"x"], complete=False)

    assert answer.status == 408


@pytest.mark.parametrize("kind", [None, b"text/plain", b"application/vnd.bentoml+pickle", b"multipart/form-data; b=1"])
def test_a_body_that_is_not_json_is_refused(kind: bytes | None) -> None:
    inner = Inner()
    headers = [AUTHORISED[0], *([(b"content-type", kind)] if kind else [])]

    answer = call(Guard(inner, RULES), "/predict", headers=headers)

    assert (answer.status, inner.seen) == (415, [])
    assert "application/json" in answer.problem["detail"]


@pytest.mark.parametrize(("path", "method"), [("/readyz", "GET"), ("/predict", "POST")])
def test_without_a_model_the_reason_is_given(path: str, method: str) -> None:
    guard = Guard(Inner(), RULES, not_ready=lambda: "No permitted model exists yet.")

    answer = call(guard, path, method)

    assert (answer.status, answer.problem["detail"]) == (503, "No permitted model exists yet.")


def test_without_a_model_the_rest_still_works() -> None:
    guard = Guard(Inner(), RULES, not_ready=lambda: "No permitted model exists yet.")

    assert [call(guard, path, "GET").status for path in ("/livez", "/metrics", "/api/feedback", "/")] == [200] * 4


def test_an_app_that_raises_becomes_a_500_without_the_reason() -> None:
    answer = call(Guard(Inner(raises=RuntimeError("secret")), RULES), "/predict")

    assert answer.status == 500
    assert b"secret" not in answer.body
    assert answer.problem["request_id"] == answer.headers["x-request-id"]


def test_an_app_that_raises_after_it_began_does_not_raise_out_of_the_guard() -> None:
    assert call(Guard(Inner(raises=RuntimeError("x"), late=True), RULES), "/predict").status == 200


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (
            400,
            b'{"error": "e", "detail": [{"loc": ["flights", 3, "distance"], "msg": "Field required"}]}',
            "flights.3.distance: Field required",
        ),  # noqa: E501
        (422, b'{"detail": [{"loc": ["body", "value"], "msg": "No"}, {"loc": [], "msg": "x"}]}', "value: No. 1 more"),
        (503, b'{"error": "Too busy"}', "Too busy"),
        (415, b'[{"error": "pickle"}]', "pickle"),
        (404, b"Not Found", "Not Found: "),
        (500, b"", "Internal Server Error: "),
        (500, b"\xff\xfe", "\ufffd"),
        (400, b'"text"', "text"),
        (400, b'{"detail": []}', "Bad Request"),
    ],
)
def test_an_error_of_the_app_becomes_problem_details(status: int, body: bytes, detail: str) -> None:
    answer = call(Guard(Inner(status=status, body=body), RULES), "/predict")

    assert answer.status == status
    assert answer.problem["detail"].startswith(detail)
    assert answer.problem["title"] == HTTPStatus(status).phrase


def test_problem_details_of_the_app_pass_unchanged() -> None:
    inner = Inner(status=409, kind=b"application/problem+json", body=b'{"title": "own"}')

    assert call(Guard(inner, RULES), "/predict").body == b'{"title": "own"}'


def test_a_given_request_id_is_kept_and_a_strange_one_replaced() -> None:
    guard = Guard(Inner(), RULES)

    kept = call(guard, "/livez", "GET", headers=[(b"x-request-id", b"abc-1")])
    replaced = call(guard, "/livez", "GET", headers=[(b"x-request-id", b"a\r\nb")])

    assert kept.headers["x-request-id"] == "abc-1"
    assert len(replaced.headers["x-request-id"]) == 32


def test_the_page_is_answered_by_the_guard() -> None:
    inner = Inner()

    answer = call(Guard(inner, RULES), "/", "GET", headers=())

    assert (answer.status, answer.body, inner.seen) == (200, b"<html>page</html>", [])


def test_a_client_that_hangs_up_is_not_answered() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/predict", "method": "POST", "headers": list(AUTHORISED)}
    asyncio.run(Guard(Inner(), RULES)(scope, receive, send))

    assert sent == []


def test_a_websocket_is_closed_and_the_lifespan_passes() -> None:
    inner = Inner()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Guard(inner, RULES)({"type": "websocket", "path": "/predict"}, receive, send))
    asyncio.run(Guard(inner, RULES)({"type": "lifespan"}, receive, send))

    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert inner.seen == [("lifespan", b"")]


@given(
    path=st.sampled_from(["/", "/predict", "/api/feedback", "/livez", "/readyz", "/x", ""]),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"]),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"content-type", b"content-length", b"x-request-id", b"Authorization"]),
            st.one_of(st.binary(max_size=40), st.sampled_from([value for _, value in AUTHORISED])),
        ),
        max_size=4,
    ),
    body=st.lists(st.binary(max_size=80), min_size=1, max_size=3),
)
def test_any_request_gets_exactly_one_answer_and_none_writes_without_the_token(
    path: str, method: str, headers: list[tuple[bytes, bytes]], body: list[bytes]
) -> None:
    inner = Inner()

    answer = call(Guard(inner, RULES), path, method, headers, body)

    given_tokens = [value for key, value in headers if key.lower() == b"authorization"]
    if inner.seen and path not in RULES.open_paths:
        assert given_tokens == [AUTHORISED[0][1]]
    assert 200 <= answer.status < 600
