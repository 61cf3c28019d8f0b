"""What the console's pages read from a request: host, origin, form, query, and whether facts or a page are wanted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import Question
from handrail.entrypoints.http.bodies import arriving_within, check_length, too_large
from handrail.errors import InvalidInput, MissingTool, Refused

try:
    from starlette.requests import ClientDisconnect, Request
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

MOST_BYTES, BODY_TIMEOUT_S = 8 << 10, 10.0
FORM = "application/x-www-form-urlencoded"
_AGAIN = "Load the page again, and send its form."
_LESS = "Write less."


def wants_json(request: Request) -> bool:
    """Whether the caller prefers the facts to the page."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for part in request.headers.get("accept", "").split(","):
        name, _, rest = part.strip().partition(";")
        given = rest.strip().removeprefix("q=")
        if name.strip().lower() in weights:
            weights[name.strip().lower()] = float(given) if given.replace(".", "", 1).isdecimal() else 1.0
    return weights["application/json"] > weights["text/html"]


def peer_of(request: Request) -> str | None:
    """Return the address at the other end of the socket, None if it cannot be known."""
    return request.client.host if request.client else None


def page_meant(path: str, pages: Iterable[Address]) -> str | None:
    """Return the path of the page meant by one with a slash too many, or by that of a form; None for no page."""
    forms = (Address.LOG_IN, Address.LOG_OUT)
    if any(each.path == path.rstrip("/") for each in pages):
        return path.rstrip("/")
    return Address.INBOX.path if any(each.matches(path) for each in forms) else None


def check_host(request: Request, names: Iterable[str]) -> None:
    """Let a request pass that names this server by an address, or by a name that it has.

    A page of another site whose name was turned to this server's address has neither.

    Raises:
        Refused: it names another server.
    """
    host = request.headers.get("host", "")
    if _name_of(host) not in {name.lower() for name in names} and not _is_address(_name_of(host)):
        remedy = "Use the server's own address, or let its operator name this one in HANDRAIL_ALLOWED_HOSTS."
        raise Refused(f"A request to the host {host[:200]!r}", (remedy,))


def check_own_page(request: Request) -> None:
    """Let a form pass that a page of this server sent.

    Raises:
        Refused: another page did, or nothing shows which one.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    same = site == "same-origin" if origin is None else urlsplit(origin).netloc == request.headers.get("host")
    if not same or site in ("cross-site", "same-site") or _media_type(request) != FORM:
        remedy = "Send it from the page of this server itself, with a browser that names its origin."
        raise Refused("A form", (remedy,))


async def read_form(request: Request, *known: str) -> dict[str, str]:
    """Return the fields of a form; those that are missing are empty.

    Raises:
        InvalidInput: a field is unknown or there twice, or the body is not text.
        Rejection: the body is too large or too slow.
    """
    check_length(request.headers.get("content-length"), MOST_BYTES, _LESS)
    body = bytearray()
    try:
        async with arriving_within(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise too_large(MOST_BYTES, _LESS)
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=2 * len(known))
    except (ClientDisconnect, ValueError) as err:
        raise InvalidInput("body", "it is not a form", _AGAIN) from err
    return _named(pairs, known)


def read_query(request: Request, *known: str) -> dict[str, str]:
    """Return the parameters of the address; those that are missing are empty.

    Raises:
        InvalidInput: one is unknown, or there twice.
    """
    return _named(request.query_params.multi_items(), known)


def question_of(request: Request, here: Address) -> Question | None:
    """Return what was asked of a page, None for a form."""
    return Question(here, request.url.path, dict(request.query_params)) if request.method == "GET" else None


def _named(pairs: Iterable[tuple[str, str]], known: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known or name in found:
            raise InvalidInput(name[:80] or "field", "it is unknown here or there twice", _AGAIN)
        if "\0" in value:  # PostgreSQL neither keeps nor looks for it
            raise InvalidInput(name, "it holds U+0000", "Send printable characters.")
        found[name] = value.strip()
    return dict.fromkeys(known, "") | found


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
