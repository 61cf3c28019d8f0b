"""Who calls a served bento, and what that caller may do: the installation's token, a named key, an issuer's token.

All three are sent as `Authorization: Bearer`, once, and nowhere else: an address ends up in logs of others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from handrail.clock import system_time
from handrail.delivery import EVERY_RIGHT, KEY_PREFIX, KeyRing, Right
from handrail.entrypoints.http.auth import is_bearer, unknown_caller
from handrail.entrypoints.http.bodies import CLOSE
from handrail.entrypoints.http.jwks import read_key_set
from handrail.entrypoints.http.kept import Kept, Pace
from handrail.entrypoints.http.oidc import OidcTokens
from handrail.entrypoints.http.problems import Rejection
from handrail.settings import Settings

KEYS_PACE = Pace(fresh_s=1, waits_s=3, stale_s=600, again_s=1)
"""A key that was revoked opens nothing after 3 s, or after 10 minutes while the store is away: it failed just now."""
IN_ADDRESS = (KEY_PREFIX.encode(), b"access_token=")
TOKEN_NAME = "token"
IN_ADDRESS_SAYS = (
    "A key was sent in the address, which others log: it is a secret no longer. "
    "Revoke it, make another one, and send it as 'Authorization: Bearer'."
)
NO_KEY_SAYS = (
    "This key is not known here, has expired or was revoked. `handrail delivery key make NAME` makes another one."
)
SENT_AS = "This path needs the header 'Authorization: Bearer <token>'."


@dataclass(frozen=True, slots=True)
class Known:
    """A caller: `name` is written into the log; `label`, one of few, into metrics."""

    name: str
    label: str
    rights: frozenset[Right]

    def require(self, right: Right) -> None:
        """Let the caller do something, or refuse it.

        Raises:
            Rejection: the caller may not (403).
        """
        if right not in self.rights:
            detail = f"You may not {right.value} here. Ask who runs the service for the right {right.value!r}."
            scope = ("www-authenticate", f'Bearer error="insufficient_scope", scope="{right.value}"')
            raise Rejection(HTTPStatus.FORBIDDEN, detail, (*CLOSE, scope))


HOLDER = Known(TOKEN_NAME, TOKEN_NAME, EVERY_RIGHT)


class ServingCallers:
    """Finds the caller of a request. Each way in that is left out lets nobody in."""

    def __init__(
        self,
        token: str = "",
        ring: Callable[[], KeyRing] | None = None,
        tokens: OidcTokens | None = None,
        clock: Callable[[], datetime] = system_time,
    ) -> None:
        """Let in who has `token`, a key of the `ring`, which is read again and again, or a token of the issuer."""
        self._token, self._tokens, self._clock = token, tokens, clock
        self._keys = Kept("The keys of callers", ring, KEYS_PACE) if ring is not None else None
        ways: tuple[str, ...] = ("The token is in .handrail/credentials/serving-token.json.",) if token else ()
        ways += ("`handrail delivery key make NAME` makes one.",) if ring is not None else ()
        ways += ("The OIDC issuer of this service gives one.",) if tokens is not None else ()
        self._remedy = " ".join((SENT_AS, *(ways or ("Nothing lets a caller in: see the settings `callers`.",))))

    async def find(self, header: str | None, query: bytes = b"") -> Known:
        """Return the caller with an Authorization header that was sent exactly once; `query` is of the address.

        Raises:
            Rejection: nobody is known by it (401), or what would say so cannot be read (503).
        """
        if any(each in unquote_to_bytes(query) for each in IN_ADDRESS):
            raise unknown_caller(IN_ADDRESS_SAYS, CLOSE)
        if is_bearer(header, self._token):
            return HOLDER
        scheme, _, text = (header or "").partition(" ")
        text = text.strip()
        if scheme.lower() == "bearer" and self._keys is not None and text.startswith(KEY_PREFIX):
            return await self._by_key(self._keys, text)
        if scheme.lower() == "bearer" and self._tokens is not None and text:
            name, rights = await self._tokens.find(text)
            return Known(f"oidc:{name}", "oidc", rights)
        raise unknown_caller(self._remedy, CLOSE)

    async def _by_key(self, keys: Kept[KeyRing], text: str) -> Known:
        ring = await keys.value(lambda known: not known.knows(text))
        if ring is None:
            detail = "The keys of this service cannot be read. Send the request again in a few seconds."
            raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, detail, CLOSE)
        key = ring.find(text, self._clock())
        if key is None:
            raise unknown_caller(NO_KEY_SAYS, CLOSE)
        name = f"key:{key.name}"
        return Known(name, name, key.rights)


def serving_callers(settings: Settings, token: str, ring: Callable[[], KeyRing]) -> ServingCallers:
    """Return who may call, as the settings `callers` say; `token` and `ring` count only where they name them."""
    chosen = settings.callers
    tokens = None
    if chosen.has_issuer:
        assert chosen.oidc_jwks is not None
        tokens = OidcTokens(chosen, partial(read_key_set, chosen.oidc_jwks, settings.project))
    return ServingCallers(token if chosen.token else "", ring if chosen.keys else None, tokens)


def schemes_of(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """Return the security schemes of OpenAPI for what the settings let in, by name."""
    chosen = settings.callers
    found: dict[str, Mapping[str, Any]] = {}
    if chosen.token:
        found["token"] = _bearer("the token in .handrail/credentials/serving-token.json")
    if chosen.keys:
        found["key"] = _bearer("a key that `handrail delivery key make` made")
    if chosen.has_issuer:
        found["oidc"] = _bearer(f"a token of {chosen.oidc_issuer} for {chosen.oidc_audience}", bearerFormat="JWT")
    return found


def _bearer(about: str, **more: str) -> Mapping[str, Any]:
    return {"type": "http", "scheme": "bearer", "description": about} | more
