"""Who is behind a call and what they may: asked of the app that this server wraps, never of what a client says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["registered_model", "experiment"]
Level = Literal["can_read", "can_update"]


class Identity(Protocol):
    """Knows who logged in."""

    def account(self, call: Mapping[str, Any]) -> str | None:
        """Return the account that logged in to the call being answered; None if nobody did.

        Args:
            call: the ASGI scope as the inner app fills it in its `state`; the WSGI environ on a server without ASGI.
                Where MLflow answers by Flask, its request context is there too.

        Raises:
            Misconfigured: the inner app answers something that is no account.
        """


class Rights(Protocol):
    """Knows what an account may do in MLflow."""

    def may(self, account: str, kind: Kind, name: str, level: Level) -> bool:
        """Whether the account of the call being answered has that permission; False too for what is not there.

        Args:
            account: as `Identity` returned it in this call.
            kind: what `name` names.
            name: the name of a registered model, or the id of an experiment.
            level: the permission.

        Raises:
            Misconfigured: the inner app answers neither yes nor no.
        """


@dataclass(frozen=True, slots=True)
class Logins:
    """What the inner app says about people."""

    identity: Identity
    rights: Rights


@dataclass(frozen=True, slots=True)
class _Call:
    logins: Logins
    about: Mapping[str, Any]


_call: ContextVar[_Call | None] = ContextVar("handrail_call", default=None)


def current_account() -> str | None:
    """Return the account that logged in to the call being answered, None outside of one."""
    call = _call.get()
    return call.logins.identity.account(call.about) if call else None


def is_allowed(account: str, kind: Kind, name: str, level: Level) -> bool:
    """Whether the account of the call being answered has a permission of MLflow; nobody has outside of a call."""
    call = _call.get()
    return call is not None and call.logins.rights.may(account, kind, name, level)


class WithLogins:
    """ASGI app around the inner one: lets code below know which call it answers, in threads of the call too."""

    def __init__(self, app: Any, logins: Logins) -> None:
        self._app = app
        self._logins = logins

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # Shared with every copy of the scope further in, so that it has what the login puts there; never with a call.
        own = {**scope, "state": dict(scope.get("state") or {})}
        token = _call.set(_Call(self._logins, own))
        try:
            return await self._app(own, receive, send)
        finally:
            _call.reset(token)


class WsgiWithLogins:
    """The same for a server that runs MLflow's Flask app alone."""

    def __init__(self, app: Any, logins: Logins) -> None:
        self._app = app
        self._logins = logins

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one WSGI request."""
        token = _call.set(_Call(self._logins, environ))
        try:
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        finally:
            _call.reset(token)
