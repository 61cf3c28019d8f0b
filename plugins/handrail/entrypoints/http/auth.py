"""Who is calling: bearer tokens, and the answer to a caller who is not known (401)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http import HTTPStatus

from handrail.entrypoints.http.problems import Rejection

CHALLENGE = ("www-authenticate", "Bearer")


def is_bearer(header: str | None, token: str) -> bool:
    """Return whether an Authorization header carries exactly this token; takes equally long for any wrong one.

    An empty token lets nobody in.
    """
    scheme, _, secret = (header or "").partition(" ")
    matches = hmac.compare_digest(secret.strip().encode("utf-8", "replace"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and matches


def unknown_caller(detail: str, headers: Iterable[tuple[str, str]] = ()) -> Rejection:
    """Return the answer to a caller who is not known (401), with the challenge that RFC 9110 asks for."""
    given = tuple(headers)
    challenge = () if any(name == CHALLENGE[0] for name, _ in given) else (CHALLENGE,)
    return Rejection(HTTPStatus.UNAUTHORIZED, detail, (*challenge, *given))
