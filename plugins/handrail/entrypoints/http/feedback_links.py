"""The forms behind links at /feedback/<token>: an end user says one thing about one prediction, without a login.

What a link allows is in its token. There is no cookie, so that a page of somebody else can send nothing in a person's
name; a GET records nothing, however many scanners of mail follow it.
"""

# FastAPI reads the annotations at run time, so they stay real.

import json
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from threading import Lock
from typing import Any

from handrail.bootstrap import Platform
from handrail.bootstrap.feedback_links import open_links
from handrail.clock import system_time
from handrail.entrypoints.console.pages import HEADERS, Frame, Page, render
from handrail.entrypoints.http.console_requests import read_form, wants_json
from handrail.entrypoints.http.problems import Rejection, status_of
from handrail.errors import HandrailError, InvalidInput, MissingTool, Refused, Unavailable, UnknownReference
from handrail.feedback import Asked, ExpiredLink, Links, link_choices

try:
    from fastapi import FastAPI, Request
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    from handrail.entrypoints.http.apps import answer
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

PATH = "/feedback/{token}"
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
OWN = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""The token is in the address: no other server hears it, no search keeps it, and no page frames the form."""
MOST, WITHIN_S, MOST_REMEMBERED = 10, 60.0, 10_000
"""So many answers by one link, within so many seconds; and so many links are counted."""
MOST_DIGITS = 40
TOO_OFTEN = "Too many answers came by this link. Wait a minute, then send yours again."


class Pace:
    """Counts the answers by each link in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count by `clock`, in seconds."""
        self._clock, self._lock = clock, Lock()
        self._seen: OrderedDict[bytes, deque[float]] = OrderedDict()

    def allows(self, token: str) -> bool:
        """Count an answer; return whether it is not one too many."""
        key, now = sha256(token.encode()).digest(), self._clock()
        with self._lock:
            seen = self._seen.setdefault(key, deque(maxlen=MOST))
            self._seen.move_to_end(key)
            while len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
            if len(seen) == MOST and seen[0] > now - WITHIN_S:
                return False
            seen.append(now)
            return True


def add_links(app: FastAPI, platform: Platform) -> None:
    """Add the forms; everybody who has a link may open it."""
    forms = _Forms(platform, Pace())
    app.add_api_route(PATH, forms.show, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route(PATH, forms.take, methods=["POST"], include_in_schema=False)


class _Forms:
    """What is answered to whoever opens a link or sends its form."""

    def __init__(self, platform: Platform, pace: Pace) -> None:
        self._platform, self._pace = platform, pace

    @property
    def _links(self) -> Links:
        return open_links(self._platform)

    def show(self, token: str, request: Request) -> Response:
        try:
            return _form(request, token, self._links.look(token))
        except HandrailError as err:
            return _refusal(request, err)

    async def take(self, token: str, request: Request) -> Response:
        try:
            asked = await run_in_threadpool(lambda: self._links.look(token))
            if not self._pace.allows(token):
                return _page(request, 429, "Not so fast", TOO_OFTEN, ("Retry-After", str(int(WITHIN_S))))
            text = (await read_form(request, "value"))["value"]
            return await run_in_threadpool(self._record, request, token, asked, text)
        except HandrailError as err:
            return _refusal(request, err)

    def _record(self, request: Request, token: str, asked: Asked, text: str) -> Response:
        try:
            is_new = self._links.answer(token, _number(text))
        except UnknownReference:
            raise
        except InvalidInput as err:
            return _form(request, token, asked, err)
        said = "It is recorded." if is_new else "It was recorded before, and nothing changed."
        return _page(request, 201 if is_new else 200, "Thank you", f"{said} You may open the link again to correct it.")


def _number(text: str) -> float:
    try:
        value = float(text.replace(",", ".", 1)) if len(text) <= MOST_DIGITS and text.isascii() else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput("value", "it is no number" if text else "nothing is chosen", "Choose or write one.")
    return value


def _form(request: Request, token: str, asked: Asked, error: InvalidInput | None = None) -> Response:
    kind = asked.kind
    given = [(value, _label(value, kind.values)) for value in link_choices(kind)]
    facts = {
        "kind": kind.name,
        "question": asked.link.question or f"What is the {kind.name.replace('_', ' ')}?",
        "choices": [f"{value:.12g}" for value, _ in given],
        "answered": None if asked.answered is None else f"{asked.answered:.12g}",
        "unit": kind.unit,
        "at_least": kind.at_least,
        "at_most": kind.at_most,
        "whole": kind.whole,
        "expires_at": asked.link.expires_at.isoformat(),
        "problem": None if error is None else f"{error.problem[:1].upper()}{error.problem[1:]}. {error.remedy}",
    }
    labels = {"labelled": [(f"{value:.12g}", label) for value, label in given], "expires": asked.link.expires_at}
    base = request.scope.get("root_path", "")
    status = 200 if error is None else 422
    page = Page("link_form.html", "Your answer", facts, status, labels | {"action": f"{base}/feedback/{token}"})
    return _respond(request, page)


def _label(value: float, values: tuple[float, ...]) -> str:
    if set(values) == {0.0, 1.0}:
        return "Yes" if value else "No"
    return f"{value:.12g}"


def _refusal(request: Request, error: HandrailError) -> Response:
    if isinstance(error, ExpiredLink):
        return _page(request, 410, "This link has expired", f"{error.reasons[0]} Nothing was recorded.")
    if isinstance(error, UnknownReference):
        return _page(request, 410, "This is asked no more", "Nothing was recorded.")
    if isinstance(error, Refused):
        return _page(request, 403, "This link does not count", f"{error.reasons[0]} Nothing was recorded.")
    if isinstance(error, Unavailable):
        said = "Nothing was recorded. Please try again in a few minutes."
        return _page(request, 503, "Not now", said, ("Retry-After", "60"))
    status = int(status_of(error, in_body=request.method == "POST"))
    if status >= 500:
        return _page(request, status, "A mistake on our side", "Nothing was recorded. The operator has to look.")
    return _page(request, status, "This cannot be read", "Nothing was recorded. Open the link, and send its form.")


def _page(request: Request, status: int, title: str, text: str, *headers: tuple[str, str]) -> Response:
    if wants_json(request) and status >= 400:
        return answer(request, Rejection(HTTPStatus(status), f"{title}. {text}", (*headers, *_headers().items())))
    answered = _respond(request, Page("link_said.html", title, {"text": text}, status))
    answered.headers.update(dict(headers))
    return answered


def _respond(request: Request, page: Page) -> Response:
    if wants_json(request):
        return _json(page)
    frame = Frame(system_time(), "", base=request.scope.get("root_path", ""))
    return Response(render(page, frame), page.status, _headers(), "text/html; charset=utf-8")


def _json(page: Page) -> Response:
    body = json.dumps({"title": page.title, **page.facts}, ensure_ascii=False)
    return Response(body, page.status, _headers(), "application/json")


def _headers() -> dict[str, str]:
    return dict(HEADERS) | OWN | {"Vary": "Accept"}


def snippet(address: str, asked: Asked) -> str:
    """Return the form of a link as HTML to put into a page or a mail of one's own; it needs no script."""
    from markupsafe import escape

    question = escape(asked.link.question or f"What is the {asked.kind.name.replace('_', ' ')}?")
    given = [(f"{value:.12g}", _label(value, asked.kind.values)) for value in link_choices(asked.kind)]
    rows: list[Any] = [
        f'  <label><input type="radio" name="value" value="{escape(value)}" required> {escape(label)}</label>'
        for value, label in given
    ]
    rows = rows or [f'  <input name="value" inputmode="decimal" aria-label="{question}" required>']
    return "\n".join(
        [
            f'<form method="post" action="{escape(address)}">',
            f"  <p>{question}</p>",
            *rows,
            '  <button type="submit">Send</button>',
            "</form>",
        ]
    )
