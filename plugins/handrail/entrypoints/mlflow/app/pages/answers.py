"""Sends pages: as HTML or as JSON, with the headers that keep browsers strict; errors are pages too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from flask import Response, request
from mlflow.server import handlers
from werkzeug.exceptions import RequestEntityTooLarge

from handrail.entrypoints.console.addresses import Address, page_of_form
from handrail.entrypoints.console.error_page import (
    NAMES,
    QUESTIONS,
    Question,
    error_page,
    near,
    nothing_here,
    rejection_page,
)
from handrail.entrypoints.console.pages import HEADERS, KEPT_FOR, STATIC, Page, render, static_file
from handrail.entrypoints.http.bodies import too_large
from handrail.entrypoints.http.problems import MEDIA_TYPE, Rejection, members_of, problem, status_of
from handrail.entrypoints.mlflow.app.logins import current_account
from handrail.entrypoints.mlflow.app.messages import read_query, read_text, refuse_nul
from handrail.entrypoints.mlflow.app.origins import refuse_foreign_pages
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk, Waiting
from handrail.entrypoints.mlflow.app.refusals import Refusals
from handrail.entrypoints.mlflow.app.rights import account
from handrail.errors import HandrailError, InvalidInput, Refused, UnknownReference

MOST_FORM_BYTES = 64 << 10
FORM = "application/x-www-form-urlencoded"
View = Callable[..., "Page | Response"]


def wants_json() -> bool:
    """Whether the caller asks for the facts and not for the page."""
    found = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return found == "application/json"


def respond(desk: PageDesk, page: Page, here: Address, waiting: list[Waiting] | None = None) -> Response:
    """Send a page in the form that was asked for."""
    if wants_json():
        body, kind = json.dumps(page.facts, ensure_ascii=False, default=str), "application/json"
    else:
        body, kind = render(page, desk.frame(here, waiting)), "text/html; charset=utf-8"
    return Response(body, page.status, [*HEADERS, ("Vary", "Accept")], content_type=kind)


def base_of() -> str:
    """Return the path that the server itself lies at."""
    return str(handlers._add_static_prefix(""))


def see(address: str) -> Response:
    """Send the browser on to a page after a form was recorded (303)."""
    return Response("", 303, [("Location", address), *HEADERS])


def read_form(*known: str) -> dict[str, str]:
    """Return the fields of a form that a page of this server sent; line breaks in texts are spaces.

    Raises:
        Refused: nothing shows that it was sent from a page of this server.
        InvalidInput: a field is unknown, or there twice.
    """
    own = request.headers.get("Sec-Fetch-Site") == "same-origin" or request.headers.get("Origin") is not None
    if not own or request.mimetype != FORM:
        raise Refused("A form", ("Send it from the page of this server itself, with a browser that names its origin.",))
    request.max_content_length = request.max_form_memory_size = MOST_FORM_BYTES
    fields: dict[str, str] = {}
    for name, values in request.form.lists():
        if name not in known or len(values) != 1:
            raise InvalidInput(
                name[:80], "it is unknown here or there twice", "Load the page again, and send its form."
            )
        fields[name] = " ".join(values[0].split())
    for name in known:
        fields.setdefault(name, "")
    return fields


def page_view(desk: PageDesk, refusals: Refusals, here: Address, view: View) -> Callable[..., Response]:
    """Return a view of Flask that answers with a page, and with a page for each error."""

    def answer(**segments: str) -> Response:
        try:
            refuse_foreign_pages()
            account()
            refuse_nul(segments)
            found = view(**segments)
            return found if isinstance(found, Response) else respond(desk, found, here)
        except HandrailError as err:
            refusals.answered(err, _account_or_none())
            status = status_of(err, in_body=request.method == "POST")
            return _error(desk, here, Rejection(status, str(err)), err)
        except RequestEntityTooLarge:
            return _error(desk, here, too_large(MOST_FORM_BYTES, "Write less."), None)
        finally:
            if request.method == "POST":
                desk.counts.forget()

    return answer


def _account_or_none() -> str | None:
    """Return who is there; what the inner app answers may itself be the error."""
    try:
        return current_account()
    except HandrailError:
        return None


def not_recorded(desk: PageDesk, here: Address, err: HandrailError, again: Callable[[], Page]) -> Response:
    """Answer a form that was not recorded: a page with the text kept, or the problem for who asked for facts."""
    if wants_json():
        raise err
    return respond(desk, again(), here)


def _error(desk: PageDesk, here: Address, rejection: Rejection, error: HandrailError | None) -> Response:
    if wants_json():
        members = members_of(error) if error else {}
        document = problem(rejection.status, rejection.detail, "", **members)
        return Response(document, int(rejection.status), rejection.headers, mimetype=MEDIA_TYPE)
    status = int(rejection.status)
    page = (
        error_page(error, status, _question(desk, here, error)) if error else rejection_page(rejection.detail, status)
    )
    try:
        return respond(desk, page, here)
    except HandrailError:
        return Response(
            rejection.detail, int(rejection.status), list(HEADERS), content_type="text/plain; charset=utf-8"
        )


def _question(desk: PageDesk, here: Address, error: HandrailError) -> Question | None:
    """Return what was asked of a page, with names that are written much alike where nothing has that one."""
    if request.method != "GET":
        return None
    query = request.args.to_dict()
    unknown = here in NAMES and isinstance(error, UnknownReference)
    close = near(desk.platform.lineage, query.get(QUESTIONS[here], "")) if unknown else ()
    return Question(here, request.path, query, close)


def lead_back() -> Response:
    """Lead who opens the address of a form, as it stands in a browser after one failed, to the page that has it."""
    prefix = base_of()
    return see(f"{prefix}{page_of_form(request.path.removeprefix(prefix))}")


def nowhere(_desk: PageDesk) -> Page:
    """Answer for every address below the pages' own that none of them has; the door leads here."""
    return nothing_here(read_query("address").get("address", "")[:200])


def read_words(form: Mapping[str, str], name: str, what: str) -> str:
    """Return what a person wrote into a form.

    Raises:
        InvalidInput: it is empty, too long, or no plain line; `what` is what they should write.
    """
    if not form[name]:
        raise InvalidInput(name, "nothing was written", f"Write {what}: one sentence is enough.")
    return read_text(dict(form), name)


def send_static(file: str) -> Response:
    """Send a file that pages need; what does not exist is 404."""
    if file not in STATIC:
        return Response("There is no such file.", 404, list(HEADERS), content_type="text/plain; charset=utf-8")
    kept = [(name, value) for name, value in HEADERS if name != "Cache-Control"]
    return Response(static_file(file), 200, [*kept, ("Cache-Control", KEPT_FOR)], content_type=STATIC[file])
