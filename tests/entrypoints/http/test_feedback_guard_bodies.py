"""Which bodies the guard takes: bounded in size and time, and JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from tests.fakes.guarded_app import AUTHORISED, RULES, Inner, call


@pytest.mark.parametrize("declared", [b"101", b"10000000", b"-1", b"ten"])
def test_a_body_declared_too_large_is_refused_unread(declared: bytes) -> None:
    inner = Inner()

    answer = call(FeedbackGuard(inner, RULES), "/predict", headers=[*AUTHORISED, (b"content-length", declared)])

    assert (answer.status, inner.seen) == (413, [])
    assert "larger than 100 bytes" in answer.problem["detail"]


def test_a_body_that_grows_too_large_is_refused() -> None:
    inner = Inner()

    answer = call(FeedbackGuard(inner, RULES), "/predict", body=[b"x" * 60, b"y" * 60, b"z" * 10**7])

    assert (answer.status, inner.seen) == (413, [])


def test_a_body_that_never_ends_is_given_up() -> None:
    answer = call(FeedbackGuard(Inner(), RULES), "/predict", body=[b"x"], complete=False)

    assert answer.status == 408


@pytest.mark.parametrize("kind", [None, b"text/plain", b"application/vnd.bentoml+pickle", b"multipart/form-data; b=1"])
def test_a_body_that_is_not_json_is_refused(kind: bytes | None) -> None:
    inner = Inner()
    headers = [AUTHORISED[0], *([(b"content-type", kind)] if kind else [])]

    answer = call(FeedbackGuard(inner, RULES), "/predict", headers=headers)

    assert (answer.status, inner.seen) == (415, [])
    assert "application/json" in answer.problem["detail"]


def test_a_path_whose_app_reads_other_types_gets_them_with_a_token_alone() -> None:
    inner, rules = Inner(), replace(RULES, any_type_paths=frozenset({"/api/feedback"}))
    arrow = (b"content-type", b"application/vnd.apache.arrow.stream")

    answers = [
        call(FeedbackGuard(inner, rules), "/api/feedback", headers=[AUTHORISED[0], arrow]),
        call(FeedbackGuard(inner, rules), "/predict", headers=[AUTHORISED[0], arrow]),
        call(FeedbackGuard(inner, rules), "/api/feedback", headers=[arrow]),
    ]

    assert [answer.status for answer in answers] == [200, 415, 401]
    assert [path for path, _ in inner.seen] == ["/api/feedback"]
