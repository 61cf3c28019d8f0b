"""A reverse proxy that has logged people in names them in a header: believed only from the proxy's own socket."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handrail.entrypoints.http.problems import MEDIA_TYPE, problem
from handrail.entrypoints.http.proxies import Proxies, read_proxies
from handrail.errors import Misconfigured

_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,254}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", re.ASCII)
_TAKEN = re.compile(
    "authorization|cookie|host|origin|referer|forwarded|connection|content-.*|accept.*|transfer-.*|sec-.*"
    "|x-forwarded-(for|host|port|proto)"
)
_vouched: ContextVar[str | None] = ContextVar("handrail_vouched", default=None)


@dataclass(frozen=True, slots=True)
class Trust:
    """Which peers are believed, and in which header: its name in lower case."""

    proxies: Proxies
    header: str


def read_trust(proxies: Iterable[str], header: str | None) -> Trust | None:
    """Return the trust that the settings ask for, None if they ask for none.

    Raises:
        Misconfigured: one setting is there without the other, or cannot be used.
    """
    proxies = tuple(proxies)
    if not proxies and header is None:
        return None
    if not proxies or header is None:
        alone, other = ("mlflow_trusted_proxies", "mlflow_user_header")[:: 1 if proxies else -1]
        raise Misconfigured(alone, f"it is set without {other}", "Set both, or neither.")
    if not _HEADER.fullmatch(header) or _TAKEN.fullmatch(header.lower()):
        problem = f"{header!r} cannot name a person"
        raise Misconfigured("mlflow_user_header", problem, "Take a header of its own, as X-Remote-User.")
    return Trust(read_proxies("mlflow_trusted_proxies", proxies), header.lower())


class HeaderDoor:
    """ASGI app around the server: takes the header out of every request, and keeps it if the proxy sent it."""

    def __init__(self, app: Any, trust: Trust) -> None:
        self._app = app
        self._trust = trust

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = list(scope["headers"])
        named = [pair for pair in headers if _spelled_out(pair[0]) == self._trust.header]
        account = None
        if named and self._trust.proxies.covers(peer_of(receive)):
            account = _read(named, self._trust.header)
            if account is None:
                return await _refuse(send, self._trust.header)
        # Nothing further in reads the header, so nothing there can believe it.
        kept = [pair for pair in headers if pair not in named]
        token = _vouched.set(account)
        try:
            return await self._app({**scope, "headers": kept}, receive, send)
        finally:
            _vouched.reset(token)


def peer_of(receive: Any) -> str | None:
    """Return the address at the other end of the socket, None if it cannot be known.

    Not that of the ASGI scope: uvicorn puts there what a local peer writes into X-Forwarded-For.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) and peer else None


def vouched_account() -> str | None:
    """Return the account that the proxy named in the call being answered, None if it named none."""
    return _vouched.get()


def _spelled_out(name: bytes) -> str:
    """Return the name as WSGI and proxies may read it: without case, and an underscore is a dash."""
    return name.decode("latin-1").strip().lower().replace("_", "-")


def _read(named: list[tuple[bytes, bytes]], header: str) -> str | None:
    if len(named) != 1 or named[0][0].decode("latin-1").lower() != header:
        return None
    value = named[0][1].decode("latin-1")
    return value if _ACCOUNT.fullmatch(value) else None


async def _refuse(send: Any, header: str) -> None:
    detail = f"The header {header} has to name one account, once and in plain letters. Correct the proxy."
    body = problem(HTTPStatus.BAD_REQUEST, detail, uuid.uuid4().hex)
    headers = [(b"content-type", MEDIA_TYPE.encode("latin-1"))]
    await send({"type": "http.response.start", "status": int(HTTPStatus.BAD_REQUEST), "headers": headers})
    await send({"type": "http.response.body", "body": body})
