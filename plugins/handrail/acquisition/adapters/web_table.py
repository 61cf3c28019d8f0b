"""A table on a web page: politely read, kept as evidence, and refused when its layout changed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

import httpx
from lxml import etree, html

from handrail.acquisition.adapters.yaml_sources import WebPage
from handrail.acquisition.domain.pages import Page, Position
from handrail.acquisition.ports import Source
from handrail.errors import InvalidInput, Misconfigured, Unavailable
from handrail.files import create_file
from handrail.version import __version__

AGENT = f"handrail/{__version__}"
LARGEST = 32 * 2**20
SPACES = re.compile(r"\s+")
LONGEST_DELAY_S, LONGEST_LINE = 60, 500
"""Of robots.txt: a delay that no reader would keep is not waited for, and a line of another length is no rule."""


class WebTable(Source):
    """One table element of one page. A snapshot of each page that was read is kept below `snapshots`, by its digest."""

    def __init__(self, settings: WebPage, snapshots: Path, pause: Callable[[float], None] = time.sleep) -> None:
        """Connect at the first use."""
        self._settings, self._snapshots, self._pause = settings, snapshots, pause
        self._client = httpx.Client(headers={"User-Agent": AGENT}, timeout=30, follow_redirects=False)

    @property
    def name(self) -> str:
        """The address without its query, and which table of it."""
        parts = urlsplit(self._settings.url)
        host = parts.hostname or ""
        bare = urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))
        return f"{bare}#{self._settings.table}"

    def pages(self, since: Position | None) -> Generator[Page, None, None]:
        """Read the page if it changed, all rows of its table at once."""
        delay = self._allowed()
        self._pause(max(delay, 1 / self._settings.per_second))
        known = since or {}
        conditions = {"If-None-Match": known["etag"]} if known.get("etag") else {}
        answer = self._get(self._settings.url, conditions)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return
        if answer.status_code != httpx.codes.OK:
            remedy = "Correct the address." if answer.status_code < 500 else "Try again later."
            kind = Misconfigured if answer.status_code < 500 else Unavailable
            raise kind(self.name, f"it answers {answer.status_code} {answer.reason_phrase}", remedy)
        digest = hashlib.sha256(answer.content).hexdigest()
        if known.get("sha256") == digest:
            return
        header, rows = self._table(answer.content)
        if known.get("header") and known["header"] != header:
            problem = f"its table has the columns {', '.join(header)}, and had {', '.join(known['header'])}"
            raise InvalidInput(self.name, problem, "Look at the page; give the table another name if it is right.")
        create_file(self._snapshots / f"{digest}.html", answer.content)
        position = {"sha256": digest, "etag": answer.headers.get("ETag"), "header": header}
        yield Page([dict(zip(header, row, strict=True)) for row in rows], position)

    def confirm(self, page: Page) -> None:
        """A page stays where it is."""

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def _allowed(self) -> float:
        """Ask robots.txt; return for how many seconds it asks between two requests."""
        parts = urlsplit(self._settings.url)
        where = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        answer = self._get(where, {})
        robots = RobotFileParser(where)
        if answer.status_code >= 500:
            raise Unavailable(where, f"it answers {answer.status_code}", "Without it nothing is read: try again later.")
        lines = [line[:LONGEST_LINE] for line in answer.text.splitlines()]
        robots.parse(lines if answer.status_code == httpx.codes.OK else [])
        if answer.status_code in (401, 403) or not robots.can_fetch(AGENT, self._settings.url):
            raise Misconfigured(self.name, "robots.txt forbids it", "Ask its owner, or take the data another way.")
        # A whole number of any length, which may be no float.
        return float(min(robots.crawl_delay(AGENT) or 0, LONGEST_DELAY_S))

    def _get(self, url: str, headers: dict[str, str]) -> httpx.Response:
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.is_redirect and not url.endswith("/robots.txt"):
                    where = urlsplit(answer.headers.get("Location", ""))._replace(query="").geturl()
                    raise Misconfigured(self.name, f"it sends on to {where}", "Write that address, if you trust it.")
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > LARGEST:
                        raise InvalidInput(self.name, "the page has more than 32 MB", "Name a smaller page.")
        except httpx.HTTPError as err:
            raise Unavailable(self.name, f"it does not answer ({type(err).__name__})", "Try again later.") from err
        answer._content = content
        return answer

    def _table(self, content: bytes) -> tuple[list[str], list[list[Any]]]:
        try:
            # No address of the page is followed, and no entity outside of it is read.
            page = html.document_fromstring(content, parser=html.HTMLParser(no_network=True, huge_tree=False))
        except (etree.ParserError, etree.XMLSyntaxError, ValueError) as err:
            raise InvalidInput(self.name, f"it is no HTML ({err})", "Look at the page in a browser.") from err
        tables = page.xpath("//table")
        wanted = self._settings.table
        found = [each for each in tables if each.get("id") == wanted]
        if wanted.isdigit() and not found:
            found = tables[int(wanted) - 1 : int(wanted)] if int(wanted) else []
        if not found:
            ids = ", ".join(each.get("id") for each in tables if each.get("id")) or "none with an id"
            problem = f"it has no table {wanted!r} among {len(tables)} ({ids})"
            raise InvalidInput(self.name, problem, "Look at the page: its layout changed, or the name is wrong.")
        return self._cells(found[0])

    def _cells(self, table: Any) -> tuple[list[str], list[list[Any]]]:
        # Rows of tables inside its cells are not its own.
        own = table.xpath("./tr|./thead/tr|./tbody/tr|./tfoot/tr")
        rows = [row for row in ([_text(cell) for cell in each.xpath("./th|./td")] for each in own) if row]
        if not rows or not all(rows[0]) or len(set(rows[0])) != len(rows[0]):
            problem = "its first row does not name each column once"
            raise InvalidInput(self.name, problem, "Name a table with a row of headings.")
        header, width = [str(each) for each in rows[0]], len(rows[0])
        for number, row in enumerate(rows[1:], 2):
            if len(row) != width:
                problem = f"row {number} of its table has {len(row)} cells, and the headings are {width}"
                raise InvalidInput(self.name, problem, "Look at the page: its layout changed.")
        return header, rows[1:]


def _text(cell: Any) -> str | None:
    return SPACES.sub(" ", cell.text_content()).strip() or None
