"""Rows on their way: what a source gave at once, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.reading import NULL, read_column
from handrail.acquisition.domain.tables import Column, Table

Position = Mapping[str, Any]
"""How far a source was read: what JSON can hold, written and understood by the source alone."""
MOST_KEPT = 10_000
MOST_NEW, LONGEST_NAME = 200, 400
"""So many new columns are noted of a table, with names of so many characters: a sender may make up more."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a source gave at once, in its order.

    `rows` have the names that the source uses. `position` says how far the source was read after this page; None where
    the source itself keeps that, as a broker does. `broken` are texts that could not even be read as rows, each with
    why. `places` says where each row came from, such as `offset 17`; empty if the source has no such names.
    """

    rows: Sequence[Mapping[str, Any]]
    position: Position | None
    broken: Sequence[tuple[str, str]] = ()
    places: Sequence[str] = ()
    handle: Any = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is as the table wants it. `key` and `body` are JSON texts, equal for equal values."""

    key: str
    body: str
    known_at: datetime
    place: str = ""

    @property
    def digest(self) -> str:
        """The sha256 of the body, as 32 hex digits."""
        return hashlib.sha256(self.body.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A version of a row as it is kept: the `number`-th of its table, from 1.

    `came_at` is when it came, and grows with the number, so that of two versions that are known since one moment it
    says which is newer.
    """

    number: int
    key: str
    body: str
    known_at: datetime
    came_at: datetime


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was not accepted, as it came, cut at 10,000 characters unless it waits, and why; `at` is when it came."""

    text: str
    reason: str
    place: str = ""
    at: datetime | None = None

    @property
    def digest(self) -> str:
        """The same for the same text and reason: what comes again is one entry."""
        return hashlib.sha256(f"{self.reason}\n{self.text}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Sifted:
    """A page after it was held against its table, `at` the moment at which it came."""

    at: datetime
    rows: Sequence[Row] = ()
    aside: Sequence[SetAside] = ()


def sift(page: Page, table: Table, received: datetime) -> Sifted:
    """Hold each row of a page against its table: those that fit, and those that do not with what is wrong in each."""
    aside = [SetAside(text[:MOST_KEPT], reason) for text, reason in page.broken]
    if not page.rows:
        # The table may have no columns yet, which are those of its first row.
        return Sifted(received, (), aside)
    texts: dict[str, list[str]] = {}
    wrong: dict[int, list[str]] = {}
    for column in table.columns:
        texts[column.name], mistakes = read_column(column, [row.get(column.name) for row in page.rows])
        for number, mistake in mistakes.items():
            wrong.setdefault(number, []).append(mistake)
    for name in table.key:
        for number, text in enumerate(texts[name]):
            if text == NULL and number not in wrong:
                wrong[number] = [f"{name} is empty, and says which row it is"]
    moments = _moments(page, table, texts, wrong) if table.known else ()
    places = page.places or [""] * len(page.rows)
    joined = zip(_lists(texts[name] for name in table.key), _lists(texts.values()), places, strict=True)
    since = _known(moments, received) if table.known else [received] * len(page.rows)
    rows = [Row(key, body, since[at], place) for at, (key, body, place) in enumerate(joined) if at not in wrong]
    aside += [SetAside(as_text(page.rows[at]), "; ".join(wrong[at]), places[at]) for at in sorted(wrong)]
    return Sifted(received, rows, aside)


def leave_names(page: Page, known: Collection[str], noted: Callable[[], Collection[str]], most: int | None) -> Page:
    """Return the page without the rows whose new names cannot be kept, or are more than `most`: they are broken.

    `known` are the names of the table, `noted` gives those that were new before.
    """
    usual = frozenset(known)
    if all(row.keys() <= usual for row in page.rows):
        return page
    before = set(noted())
    stay, broken = [], list(page.broken)
    for at, row in enumerate(page.rows):
        fresh = row.keys() - usual - before
        why = next(filter(None, map(_unusable, sorted(fresh))), "")
        if not why and fresh and most is not None and len(before | fresh) > most:
            why = f"it has new columns, and {most} are noted already: open a new version of the table"
        if why:
            broken.append((as_text(row), why))
            continue
        before |= fresh
        stay.append(at)
    if len(stay) == len(page.rows):
        return page
    places = [page.places[at] for at in stay] if page.places else ()
    return replace(page, rows=[page.rows[at] for at in stay], places=places, broken=broken)


def hold(page: Page, waiting: Sequence[SchemaChange]) -> tuple[Page, Sequence[SetAside]]:
    """Take out of a page the rows that show one of the changes, each whole and with the change as the reason."""
    shown = {at: [each for each in waiting if each.shown_by(row)] for at, row in enumerate(page.rows)}
    if not any(shown.values()):
        return page, ()
    places = page.places or [""] * len(page.rows)
    held = [
        SetAside(as_text(page.rows[at], None), f"waits for a new version: {'; '.join(map(str, why))}", places[at])
        for at, why in shown.items()
        if why
    ]
    stay = [at for at, why in shown.items() if not why]
    left = [places[at] for at in stay] if page.places else ()
    return replace(page, rows=[page.rows[at] for at in stay], places=left), held


def as_text(given: Mapping[str, Any], most: int | None = MOST_KEPT) -> str:
    """Return a row as it came, for people; cut at so many characters."""
    text = json.dumps(dict(given), ensure_ascii=False, default=_readable)
    return text.encode("utf-8", "backslashreplace").decode()[:most]


def _readable(value: Any) -> str:
    # What waits is read again by its table.
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else repr(value)


def _lists(columns: Iterable[Sequence[str]]) -> list[str]:
    """Join the JSON texts of columns to a JSON list for each row."""
    return [f"[{','.join(row)}]" for row in zip(*columns, strict=True)]


def _unusable(name: str) -> str:
    """Return why a name of a column cannot be kept, or nothing."""
    if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        return f"the name of a column, {ascii(name[:60])}, is no text in UTF-8 without zero bytes"
    return f"the name of a column has {len(name):,} characters" if len(name) > LONGEST_NAME else ""


def _moments(page: Page, table: Table, texts: Mapping[str, list[str]], wrong: dict[int, list[str]]) -> list[str]:
    """Return since when the source says that each row is known; what is no moment there is wrong."""
    assert table.known is not None
    if any(column.name == table.known and column.type == "moment" for column in table.columns):
        return texts[table.known]
    found, mistakes = read_column(Column(table.known, "moment"), [row.get(table.known) for row in page.rows])
    for number, mistake in mistakes.items():
        wrong.setdefault(number, []).append(mistake)
    return found


def _known(texts: Sequence[str], received: datetime) -> list[datetime]:
    """Return since when each row is known: a source whose clock is ahead cannot make it later than we got it."""
    return [received if text == NULL else min(datetime.fromisoformat(text[1:-1]), received) for text in texts]
