"""What leaves the guard: problem details, request ids, the page, and the reason why nothing is served."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from tests.fakes.guarded_app import RULES, Inner, call


@pytest.mark.parametrize(("path", "method"), [("/readyz", "GET"), ("/predict", "POST")])
def test_without_a_model_the_reason_is_given(path: str, method: str) -> None:
    guard = FeedbackGuard(Inner(), RULES, not_ready=lambda: "No permitted model exists yet.")

    answer = call(guard, path, method)

    assert (answer.status, answer.problem["detail"]) == (503, "No permitted model exists yet.")


def test_without_a_model_the_rest_still_works() -> None:
    guard = FeedbackGuard(Inner(), RULES, not_ready=lambda: "No permitted model exists yet.")

    assert [call(guard, path, "GET").status for path in ("/livez", "/metrics", "/api/feedback", "/")] == [200] * 4


def test_an_app_that_raises_becomes_a_500_without_the_reason() -> None:
    answer = call(FeedbackGuard(Inner(raises=RuntimeError("secret")), RULES), "/predict")

    assert answer.status == 500
    assert b"secret" not in answer.body
    assert answer.problem["request_id"] == answer.headers["x-request-id"]


def test_an_app_that_raises_after_it_began_does_not_raise_out_of_the_guard() -> None:
    assert call(FeedbackGuard(Inner(raises=RuntimeError("x"), late=True), RULES), "/predict").status == 200


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
    answer = call(FeedbackGuard(Inner(status=status, body=body), RULES), "/predict")

    assert answer.status == status
    assert answer.problem["detail"].startswith(detail)
    assert answer.problem["title"] == HTTPStatus(status).phrase


def test_problem_details_of_the_app_pass_unchanged() -> None:
    inner = Inner(status=409, kind=b"application/problem+json", body=b'{"title": "own"}')

    assert call(FeedbackGuard(inner, RULES), "/predict").body == b'{"title": "own"}'


def test_a_given_request_id_is_kept_and_a_strange_one_replaced() -> None:
    guard = FeedbackGuard(Inner(), RULES)

    kept = call(guard, "/livez", "GET", headers=[(b"x-request-id", b"abc-1")])
    replaced = call(guard, "/livez", "GET", headers=[(b"x-request-id", b"a\r\nb")])

    assert kept.headers["x-request-id"] == "abc-1"
    assert len(replaced.headers["x-request-id"]) == 32


def test_the_page_is_answered_by_the_guard() -> None:
    inner = Inner()

    answer = call(FeedbackGuard(inner, RULES), "/", "GET", headers=())

    assert (answer.status, answer.body, inner.seen) == (200, b"<html>page</html>", [])
