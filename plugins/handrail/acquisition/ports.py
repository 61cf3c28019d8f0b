"""What acquisition needs: a source to read from, and a place where rows land."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from handrail.acquisition.domain.acquired import Manifest, Taken
from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.messages import Message
from handrail.acquisition.domain.pages import Arrived, Page, Position, Row, SetAside, Sifted
from handrail.acquisition.domain.tables import Table
from handrail.acquisition.domain.versions import TableVersion

Moments = tuple[datetime, datetime]
"""Since when a row is known, and when it came."""


class Source(Protocol):
    """Where the rows of one table come from. It may give rows again; it never leaves one out."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What is read, as a URI without secrets: equal for the same table, page or topic on every machine."""

    @abstractmethod
    def pages(self, since: Position | None) -> Generator[Page, None, None]:
        """Read what came after a position, or everything for None, in pages of bounded size.

        A page whose position is not kept comes again at the next call, whole.

        Raises:
            Unavailable: the source does not answer (any more); what was given before stands.
            Misconfigured: it does not let us in, forbids it, or has no such table.
            InvalidInput: what it answers is not what was agreed; the sentence names the part at fault.
        """

    @abstractmethod
    def confirm(self, page: Page) -> None:
        """Learn that a page is on the disk: a broker need not send it again. Doing so twice changes nothing.

        Raises:
            Unavailable: the source is not there (any more); the page may come again.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections."""


class Messages(Protocol):
    """The messages of a topic, each at least once: what was taken and not acknowledged comes again."""

    @abstractmethod
    def take(self, most: int, wait_s: float) -> Sequence[Message]:
        """Return up to so many messages, oldest first; if there is none, wait so long for the first, then return none.

        Raises:
            Unavailable: the broker is not there (any more); the next call looks for it again.
            Misconfigured: it does not let us in, or has no such topic.
        """

    @abstractmethod
    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Let messages that `take` returned not come again; doing so twice changes nothing.

        Raises:
            Unavailable: the broker is not there (any more); some may come again.
        """

    @abstractmethod
    def close(self) -> None:
        """Leave; what was not acknowledged comes again."""


class RowStore(Protocol):
    """Where rows stay, each version of each, with when it became known. Nothing in it is ever changed or taken away."""

    @abstractmethod
    def table(self, name: str) -> Table | None:
        """Return a table as it was agreed first, None if nothing of it was acquired."""

    @abstractmethod
    def agree(self, table: Table, source: str) -> None:
        """Keep what the rows of a table must be, and where they come from."""

    @abstractmethod
    def position(self, name: str) -> Position | None:
        """Return how far a table's source was read, None for not at all."""

    @abstractmethod
    def append(self, name: str, page: Page, sifted: Sifted, before: Position | None) -> Taken:
        """Keep what a page became and its position, all at once and durably, or nothing.

        A row whose key has the same content already is not kept again. Of a table that was not agreed yet only what is
        set aside is kept, and no position, which has to come again with the first rows.

        Raises:
            Conflict: the position is no longer `before`: somebody else reads this source, and was quicker.
            UnknownReference: there are rows, and the table was not agreed.
            Unavailable: the disk is full, or the store is not there.
        """

    @abstractmethod
    def note(self, name: str, changes: Sequence[SchemaChange], at: datetime) -> None:
        """Keep that a source's columns changed; the same change is kept once."""

    @abstractmethod
    def changes(self, name: str) -> Mapping[SchemaChange, datetime]:
        """Return how a source's columns changed, each with when it was first seen, the oldest first."""

    @abstractmethod
    def manifest(self, name: str, as_of: datetime | None = None) -> tuple[Manifest, datetime | None]:
        """Describe the rows that were known at a moment, or all; with it since when the newest is known."""

    @abstractmethod
    def rows(self, name: str, as_of: datetime | None = None) -> Iterator[Sequence[Any]]:
        """Give the newest version of each row that was known at a moment, or of all, in the order of keys."""

    @abstractmethod
    def newest(self, name: str, keys: Sequence[str]) -> Sequence[Arrived]:
        """Return the newest version of the row of each key, in the order in which they came; keys of none are left out.

        Of a row's versions the newest is the one that is known since last, of these the one that came last.
        """

    @abstractmethod
    def arrived(self, name: str, after: int, most: int) -> Sequence[Arrived]:
        """Return up to so many versions of rows as they came, from number `after` + 1 on."""

    @abstractmethod
    def quarantine(self, name: str) -> Mapping[str, int]:
        """Count what was set aside, by reason."""

    @abstractmethod
    def history(self, name: str) -> Iterator[tuple[int, Row]]:
        """Give every version of every row with its number, in the order in which they came."""

    @abstractmethod
    def aside(self, name: str) -> Iterator[SetAside]:
        """Give what was set aside, the oldest first."""


class Versions(Protocol):
    """Which versions of its description a table has; the first is never in it."""

    @abstractmethod
    def opened(self, table: str) -> Sequence[TableVersion]:
        """Return the versions after the first, in their order."""

    @abstractmethod
    def open(self, table: str, version: TableVersion) -> None:
        """Keep a version.

        Raises:
            Conflict: the table has one of that number already, or of a higher one.
        """

    @abstractmethod
    def carried(self, table: str, number: int) -> None:
        """Keep that what was known before is in a version; twice changes nothing.

        Raises:
            UnknownReference: there is no such version.
        """


class OnlineTable(Protocol):
    """Where the newest row of each thing can be asked for within milliseconds."""

    @abstractmethod
    def push(self, table: Table, rows: Sequence[Arrived]) -> int:
        """Make rows what is answered for their things; return how many of them are now.

        A row never replaces one that is known since later, so that rows may be pushed again, late and in any order; of
        rows that are known since the same moment the one pushed last stays. A row with a value that the place cannot
        hold, though it holds others of that type, is left out and reported.

        Raises:
            Unavailable: the store is not there (any more), or locked; some rows may be written.
            Misconfigured: there is no such place, or it asks for columns or types that the table does not have.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections, and record what is still to be recorded."""


class Watermarks(Protocol):
    """Since when the newest row that was pushed of each thing is known, and when it came: to the microsecond."""

    @abstractmethod
    def noted(self, place: str, things: Sequence[str]) -> Mapping[str, Moments]:
        """Return what was noted of things; those that were never pushed are left out.

        Raises:
            Unavailable: the store is not there.
        """

    @abstractmethod
    def note(self, place: str, moments: Mapping[str, Moments]) -> None:
        """Note what is going to be pushed, durably; an earlier moment than the one that is noted changes nothing.

        Raises:
            Unavailable: the disk is full, or the store is not there.
        """
