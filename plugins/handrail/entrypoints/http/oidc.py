"""Bearer tokens of an OIDC issuer: signed JSON Web Tokens (RFC 7519, RFC 8725), checked here with the issuer's keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handrail.caller_settings import CallerSettings
from handrail.delivery import EVERY_RIGHT, Right
from handrail.entrypoints.http.auth import unknown_caller
from handrail.entrypoints.http.bodies import CLOSE
from handrail.entrypoints.http.jwks import KeySet
from handrail.entrypoints.http.kept import Kept, Pace
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import Refused
from handrail.tools import require

LONGEST_TOKEN = 8192
LONGEST_NAME = 100
MOST_REMEMBERED = 1000
JWKS_PACE = Pace(fresh_s=300, waits_s=600, stale_s=3600, again_s=10)
"""A key that the issuer removes counts for 10 minutes at most, or for an hour while the issuer is away."""
LOGOUT_TYP = "logout+jwt"
"""What an issuer sends when somebody leaves (OpenID Connect Back-Channel Logout 1.0, 2.4); it lets nobody in."""
INVALID = (("www-authenticate", 'Bearer error="invalid_token"'),)


Caller = tuple[str, frozenset[Right]]
"""A name, and rights."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """Who sent a token, with which keys of the issuer that was found, and until which second since 1970 it holds."""

    keys: KeySet
    until: int
    caller: Caller


class OidcTokens:
    """Checks tokens of the issuer of the settings."""

    def __init__(self, settings: CallerSettings, read: Callable[[], KeySet], pace: Pace = JWKS_PACE) -> None:
        """Check with the keys that `read` returns, which are read again when they are old or lack one."""
        require("jwt", "bentoml")
        self._settings = settings
        self._keys = Kept("The keys of the OIDC issuer", read, pace)
        self._checked: dict[str, _Checked] = {}
        """Tokens whose signatures were checked; to check one takes longer than all else that the guard does."""

    async def find(self, token: str) -> Caller:
        """Return the name and the rights of the caller with a token.

        Raises:
            Rejection: the token does not hold (401), or the issuer's keys cannot be read (503).
        """
        if token in self._checked:
            remembered = self._remembered(token, await self._keys.value(lambda _: False))
            if remembered is not None:
                return remembered
        try:
            kid, algorithm = self._header(token)
            keys = await self._keys.value(lambda known: not known.knows(kid))
            if keys is None:
                detail = "The keys of the OIDC issuer cannot be read. Send the request again in a few seconds."
                raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, detail, CLOSE)
            return self._check(token, keys, kid, algorithm)
        except Refused as err:
            raise unknown_caller(str(err), (*CLOSE, *INVALID)) from err

    def _remembered(self, token: str, keys: KeySet | None) -> Caller | None:
        """Return the caller with a token that was checked with these very keys, and has not expired since."""
        found = self._checked.get(token)
        if found is None or found.keys is not keys or time.time() >= found.until:
            return None
        return found.caller

    def _check(self, token: str, keys: KeySet, kid: str | None, algorithm: str) -> Caller:
        claims = self._claims(token, keys, kid, algorithm)
        caller = _name_in(claims, self._settings.oidc_name), self._rights(claims)
        if len(self._checked) >= MOST_REMEMBERED:
            self._checked.clear()
        self._checked[token] = _Checked(keys, int(claims["exp"]) + self._settings.oidc_leeway_s, caller)
        return caller

    def _header(self, token: str) -> tuple[str | None, str]:
        """Return which key and which algorithm a token names; nothing of that is believed."""
        from jwt import PyJWTError, get_unverified_header

        if len(token) > LONGEST_TOKEN:
            raise _refused(f"It is longer than {LONGEST_TOKEN:,} characters.")
        try:
            header = get_unverified_header(token)
        except (PyJWTError, ValueError, TypeError, RecursionError) as err:
            raise _refused("It is neither a key nor a signed JSON Web Token.") from err
        _check_typ(header.get("typ"), self._settings.oidc_typ)
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in self._settings.oidc_algorithms:
            raise _refused(f"Its algorithm is none of {', '.join(self._settings.oidc_algorithms)}.")
        if "crit" in header or not isinstance(kid, str | None):
            raise _refused("Its header asks for what is not known here.")
        return kid, algorithm

    def _claims(self, token: str, keys: KeySet, kid: str | None, algorithm: str) -> Mapping[str, Any]:
        from jwt import PyJWTError, decode

        key, settings = keys.find(kid, algorithm), self._settings
        if key is None:
            raise _refused("The issuer has no key of its id for its algorithm.")
        try:
            return decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=settings.oidc_audience,
                issuer=settings.oidc_issuer,
                leeway=settings.oidc_leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except PyJWTError as err:
            raise _refused(_reason(err)) from err
        except (ValueError, TypeError, ArithmeticError, RecursionError) as err:
            raise _refused("Its claims cannot be read.") from err

    def _rights(self, claims: Mapping[str, Any]) -> frozenset[Right]:
        settings = self._settings
        if settings.oidc_rights is None:
            return EVERY_RIGHT
        roles = _roles_in(claims, settings.oidc_rights)
        wanted = ((Right.PREDICT, settings.oidc_predict), (Right.REPORT, settings.oidc_report))
        return frozenset(right for right, role in wanted if role is not None and role in roles)


def _refused(reason: str) -> Refused:
    return Refused("This bearer token", (reason, "Get a new one from the issuer that this service trusts."))


def _reason(err: Exception) -> str:
    """Return the sentence of an error of PyJWT, without anything that the token holds."""
    from jwt import exceptions

    reasons = {
        exceptions.ExpiredSignatureError: "It has expired.",
        exceptions.ImmatureSignatureError: "It is not valid yet.",
        exceptions.InvalidAudienceError: "It is for another audience.",
        exceptions.InvalidIssuerError: "It is of another issuer.",
        exceptions.InvalidSignatureError: "Its signature does not hold.",
        exceptions.MissingRequiredClaimError: "It lacks one of the claims exp, iss and aud.",
    }
    return next((text for kind, text in reasons.items() if isinstance(err, kind)), "Its claims cannot be read.")


def _check_typ(typ: object, wanted: str | None) -> None:
    """Refuse a token of another type (RFC 8725, 3.11), which is a media type, in any case (RFC 7515, 4.1.9)."""
    kind = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
    if kind == LOGOUT_TYP:
        raise _refused("It is a logout token, which lets nobody in.")
    if wanted is not None and kind != wanted.lower().removeprefix("application/"):
        raise _refused(f"Its header typ is not {wanted}.")


def _name_in(claims: Mapping[str, Any], claim: str) -> str:
    name = claims.get(claim)
    if not isinstance(name, str) or not name:
        raise _refused(f"Its claim {claim!r} names nobody.")
    return name[:LONGEST_NAME]


def _roles_in(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """Return the roles of a claim by its name, or by a path with dots: a list of texts, or one text with spaces."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return frozenset(found.split())
    return frozenset(each for each in found if isinstance(each, str)) if isinstance(found, list) else frozenset()
