"""A paged HTTP API that answers JSON, asked by dlt's client: retries, Retry-After and styles of pages are its own.

Pages of an API may move while they are read, so the position moves only at the end of a whole pass: a pass that ends
in between begins again, and what came twice is kept once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.requests.retry import DEFAULT_RETRY_STATUS
from dlt.sources.helpers.rest_client.auth import APIKeyAuth, BearerTokenAuth
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

from handrail.acquisition.adapters.dlt_modules import without_stand_in
from handrail.acquisition.adapters.yaml_sources import Http, Pagination
from handrail.acquisition.domain.pages import Page, Position
from handrail.acquisition.ports import Source
from handrail.errors import HandrailError, InvalidInput, Misconfigured, Unavailable

without_stand_in()
TIMEOUT_S = (5, 60)
ATTEMPTS, LONGEST_PAUSE_S = 5, 60
NO_ENTRY = (401, 403)
NOT_CHANGED = 304


class _ForeignAddress(Exception):
    """The next page lies on another server, which would get the token."""


class DltHttp(Source):
    """One list of an API. `pause` waits between two requests, so that tests need not."""

    def __init__(self, settings: Http, token: str | None, pause: Callable[[float], None] = time.sleep) -> None:
        """Connect at the first use."""
        self._settings = settings
        self._token = token
        self._pause = pause
        retrying = Client(
            request_timeout=TIMEOUT_S,
            raise_for_status=False,
            request_max_attempts=ATTEMPTS,
            request_backoff_factor=0.2,
            request_max_retry_delay=LONGEST_PAUSE_S,
        )
        self._session = retrying.session
        self._last: requests.Response | None = None
        self._body: Any = None

    @property
    def name(self) -> str:
        """The address without its query, in which a key may be."""
        parts = urlsplit(self._settings.url)
        host = parts.hostname or ""
        return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))

    def pages(self, since: Position | None) -> Generator[Page, None, None]:
        """Ask for all pages, or for what is newer than the position where the API can be asked for that."""
        newest, received, said = (since or {}).get("cursor"), 0, None
        etag: str | None = None
        kept: list[Mapping[str, Any]] = []
        with self._translated():
            for number, answer in enumerate(self._answers(since)):
                if answer.status_code == NOT_CHANGED:
                    return
                body = self._body
                rows = self._rows(body, number)
                if rows and rows == kept:
                    problem = f"page {number + 1} has the rows of an earlier one, so its pages go round"
                    remedy = "If it has no pages, write 'pages: {style: single}'; else correct how they are asked for."
                    raise InvalidInput(self.name, problem, remedy)
                # Pages 1, 2, 4, 8, ... are kept in turn, so that a circle of any length is found.
                kept = rows if number & (number + 1) == 0 else kept
                received += len(rows)
                said = said if self._settings.pages.total is None else _at(body, self._settings.pages.total)
                etag = answer.headers.get("ETag") if number == 0 else None
                newest = self._newest(rows, newest)
                yield Page(rows, None)
        if isinstance(said, int) and received < said and not newest:
            problem = f"it says that it has {said:,} rows, and gave {received:,}"
            raise InvalidInput(self.name, problem, "Rows may have moved while they were read: run it again.")
        yield Page((), {"cursor": newest, "etag": etag})

    def confirm(self, page: Page) -> None:
        """An API keeps its rows."""

    def close(self) -> None:
        """Give back connections."""
        self._session.close()

    def _answers(self, since: Position | None) -> Iterator[requests.Response]:
        headers = {"If-None-Match": since["etag"]} if since and since.get("etag") else {}
        client = RESTClient(self._settings.url, headers=headers, auth=self._auth(), session=self._session)
        # The body is checked here: dlt takes a path that is not there for a list without rows.
        paginator = _checking(self._settings.pages, self._settings.url)
        hooks: dict[str, Any] = {"response": [self._look]}
        pages = client.paginate(
            "",
            params=self._parameters(since),
            paginator=paginator,
            data_selector=self._settings.records or "$",
            hooks=hooks,
            allow_redirects=False,
        )
        asked = time.monotonic()
        for page in pages:
            # dlt gives the last answer, whatever it is, once it has asked often enough.
            self._refuse_failed(page.response)
            yield page.response
            left = 1 / self._settings.per_second - (time.monotonic() - asked)
            if left > 0:
                self._pause(left)
            asked = time.monotonic()

    def _look(self, answer: requests.Response, *_: Any, **__: Any) -> requests.Response:
        """Stop at an answer that has no rows, before dlt reads its body."""
        try:
            return self._usable(answer)
        except HandrailError:
            answer.close()
            raise

    def _usable(self, answer: requests.Response) -> requests.Response:
        status = answer.status_code
        if status in NO_ENTRY:
            remedy = "Renew the token in the environment variable that token_env names."
            raise Misconfigured(self.name, f"the token is missing, wrong or expired ({status})", remedy)
        if answer.is_redirect:
            where = urlsplit(answer.headers.get("Location", ""))._replace(query="").geturl()
            raise Misconfigured(self.name, f"it sends on to {where}", "Write that address, if you trust it.")
        if status == NOT_CHANGED:
            # dlt reads every body.
            answer._content = b"[]"
            return answer
        if status in DEFAULT_RETRY_STATUS:
            self._last = answer
            return answer
        self._last = None
        if status >= 400:
            raise Misconfigured(self.name, f"it answers {status} {answer.reason}", "Correct the address.")
        self._body = self._checked(answer)
        return answer

    def _refuse_failed(self, answer: requests.Response | None) -> None:
        if answer is not None and answer.status_code in DEFAULT_RETRY_STATUS:
            said = f"it answered {ATTEMPTS} times {answer.status_code} {answer.reason}"
            raise Unavailable(self.name, said, "Try again later.")

    def _checked(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError as err:
            begun = answer.text[:60].replace("\n", " ")
            problem = f"it answers something else than JSON: {begun!r}"
            raise InvalidInput(self.name, problem, "See what it says in a browser.") from err

    def _rows(self, body: Any, number: int) -> list[Mapping[str, Any]]:
        rows = _at(body, self._settings.records)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            keys = f"; it has {', '.join(map(str, body))}" if isinstance(body, dict) else ""
            where = self._settings.records or "the answer"
            problem = f"{where} of page {number + 1} is no list of objects{keys}"
            raise InvalidInput(self.name, problem, "Write in 'records' where the rows are, such as data.items.")
        return rows

    def _newest(self, rows: list[Mapping[str, Any]], newest: Any) -> Any:
        cursor = self._settings.cursor
        if cursor is None:
            return None
        values = [row.get(cursor) for row in rows if row.get(cursor) is not None]
        kinds = {type(value) for value in (*values, *([newest] if newest is not None else []))}
        if not kinds <= {str} and not kinds <= {int, float}:
            problem = f"{cursor} is a text in one row and a number in another"
            raise InvalidInput(self.name, problem, "Name a column whose values can be put in order.")
        return max([*values, newest] if newest is not None else values, default=None)

    def _parameters(self, since: Position | None) -> dict[str, Any]:
        pages = self._settings.pages
        parameters: dict[str, Any] = {}
        if pages.size_parameter and pages.style != "offset":
            parameters[pages.size_parameter] = pages.size
        newest = (since or {}).get("cursor")
        if self._settings.since_parameter and newest is not None:
            parameters[self._settings.since_parameter] = _before(newest, self._settings.overlap)
        return parameters

    def _auth(self) -> Any:
        if self._token is None:
            return None
        header = self._settings.token_header
        return BearerTokenAuth(self._token) if header == "Authorization" else APIKeyAuth(header, self._token, "header")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except HandrailError:
            raise
        except _ForeignAddress as err:
            remedy = "Write the address of the server that answers in 'url'."
            raise Misconfigured(self.name, f"the next page lies on another server, {err}", remedy) from err
        except requests.RequestException as err:
            self._refuse_failed(self._last)
            raise Unavailable(self.name, f"it does not answer ({type(err).__name__})", "Try again later.") from err


def _checking(pages: Pagination, url: str) -> BasePaginator:
    """Return dlt's paginator of that style, which goes to no other server."""
    paginator = _paginator(pages)
    ours, update = urlsplit(url)[:2], paginator.update_request

    def checked(request: Any) -> None:
        update(request)
        # None after the last page.
        if request.url and urlsplit(request.url)[:2] != ours:
            raise _ForeignAddress(urlsplit(request.url).hostname)

    paginator.update_request = checked  # type: ignore[method-assign]
    return paginator


def _paginator(pages: Pagination) -> BasePaginator:
    if pages.style == "number":
        return PageNumberPaginator(pages.first, page_param=pages.parameter or "page", total_path=None)
    if pages.style == "offset":
        limit = pages.size_parameter or "limit"
        return OffsetPaginator(pages.size, 0, pages.parameter or "offset", limit, total_path=None)
    if pages.style == "cursor":
        return JSONResponseCursorPaginator(pages.path or "next", pages.parameter or "cursor")
    if pages.style == "link_header":
        return HeaderLinkPaginator()
    return JSONLinkPaginator(pages.path or "next") if pages.style == "next_url" else SinglePagePaginator()


def _at(body: Any, path: str | None) -> Any:
    for name in path.split(".") if path else ():
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _before(newest: Any, overlap: float) -> Any:
    """Return a value that lies an overlap before the newest one; what is no moment and no number stays as it is."""
    if isinstance(newest, (int, float)):
        return newest - type(newest)(overlap)
    try:
        moment = datetime.fromisoformat(newest)
    except ValueError:
        return newest
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - timedelta(seconds=overlap)).isoformat()
