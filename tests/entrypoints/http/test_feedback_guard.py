"""Who and what passes the guard, around a small ASGI app, without a server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from tests.fakes.guarded_app import AUTHORISED, RULES, TOKEN, Inner, call


def test_a_request_with_the_token_reaches_the_app_whole() -> None:
    inner = Inner()

    answer = call(FeedbackGuard(inner, RULES), "/predict", body=(b'{"a":', b"1}"))

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

    answer = call(FeedbackGuard(inner, RULES), path, headers=headers)

    assert answer.status == 401
    assert "Authorization: Bearer" in answer.problem["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert inner.seen == []


def test_two_authorization_headers_are_refused_even_if_one_is_right() -> None:
    answer = call(FeedbackGuard(Inner(), RULES), "/predict", headers=[*AUTHORISED, (b"Authorization", b"Bearer x")])

    assert answer.status == 401


def test_an_empty_configured_token_lets_nobody_in() -> None:
    answer = call(
        FeedbackGuard(Inner(), replace(RULES, token="")), "/predict", headers=[(b"authorization", b"Bearer ")]
    )

    assert answer.status == 401


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/metrics"])
def test_health_and_metrics_are_open(path: str) -> None:
    assert call(FeedbackGuard(Inner(), RULES), path, "GET", headers=()).status == 200


@pytest.mark.parametrize(
    "path", ["/predict/", "//predict", "/Predict", "/apis", "/api/x", "/static_content/x", "/metrics/1"]
)
def test_an_unknown_path_never_reaches_the_app(path: str) -> None:
    inner = Inner()

    answer = call(FeedbackGuard(inner, RULES), path)

    assert (answer.status, inner.seen) == (404, [])


def test_an_open_path_can_only_be_read() -> None:
    answer = call(FeedbackGuard(Inner(), RULES), "/metrics", "POST")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_client_that_hangs_up_is_not_answered() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/predict", "method": "POST", "headers": list(AUTHORISED)}
    asyncio.run(FeedbackGuard(Inner(), RULES)(scope, receive, send))

    assert sent == []


def test_a_websocket_is_closed_and_the_lifespan_passes() -> None:
    inner = Inner()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(FeedbackGuard(inner, RULES)({"type": "websocket", "path": "/predict"}, receive, send))
    asyncio.run(FeedbackGuard(inner, RULES)({"type": "lifespan"}, receive, send))

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

    answer = call(FeedbackGuard(inner, RULES), path, method, headers, body)

    given_tokens = [value for key, value in headers if key.lower() == b"authorization"]
    if inner.seen and path not in RULES.open_paths:
        assert given_tokens == [AUTHORISED[0][1]]
    assert 200 <= answer.status < 600
