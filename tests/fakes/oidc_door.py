"""A guarded app that trusts an OIDC issuer."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from handrail.caller_settings import CallerSettings
from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from handrail.entrypoints.http.jwks import read_key_set
from handrail.entrypoints.http.oidc import OidcTokens
from handrail.entrypoints.http.serving_callers import ServingCallers
from tests.fakes import oidc_issuer as oidc
from tests.fakes.guarded_app import TYPE, Answer, Inner, call, with_callers

SETTINGS: dict[str, Any] = {
    "oidc_issuer": oidc.ISSUER,
    "oidc_audience": oidc.AUDIENCE,
    "oidc_jwks": oidc.ADDRESS,
}


class Door:
    """A guarded app that trusts an issuer; `pass_time` lets the keys grow old."""

    def __init__(self, issuer: oidc.Issuer, **settings: Any) -> None:
        self.inner, self.issuer, self.later = Inner(), issuer, 0.0
        read = partial(read_key_set, oidc.ADDRESS, Path(), issuer)
        tokens = self.tokens = OidcTokens(CallerSettings(**SETTINGS | settings), read)
        tokens._keys._clock = lambda: time.monotonic() + self.later
        callers = ServingCallers(tokens=tokens)
        self.app = FeedbackGuard(self.inner, with_callers(callers))

    def ask(self, token: str, path: str = "/predict") -> Answer:
        return call(self.app, path, headers=[TYPE, (b"authorization", f"Bearer {token}".encode())])

    def refuses(self, token: str) -> str:
        """Return the sentence with which a token is refused; nothing of it may be in the answer."""
        answer = self.ask(token)
        assert (answer.status, self.inner.seen) == (401, []), answer
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert not any(len(part) > 8 and part in answer.body.decode() for part in token.split("."))
        return str(answer.problem["detail"])
