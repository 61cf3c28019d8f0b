"""What erasing needs beyond `ports`: the log's own rows, and the files in which a name may still be."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from handrail.feedback.domain.erasure import Erased, Erasure, Export, Replaced, What, Why
from handrail.feedback.domain.parts import Part
from handrail.feedback.domain.values import Damage


class ErasureBook(Protocol):
    """Takes subjects out of the log's rows, and keeps that it did."""

    @abstractmethod
    def erase(self, names: Sequence[str], by: str, at: datetime, why: Why) -> Erased:
        """Take a subject, under each of its names, out of every row, in one transaction: all or nothing.

        Predictions and feedback keep what figures are made from, under a random name; rows in quarantine are emptied.
        Each snapshot that held such rows, and was whole, gets a successor. Where no row is found nothing is recorded.
        """

    @abstractmethod
    def records(self) -> tuple[Erasure, ...]:
        """Return every erasure, oldest first."""

    @abstractmethod
    def replaced(self) -> tuple[Replaced, ...]:
        """Return every snapshot that was replaced, by records that this installation wrote."""

    @abstractmethod
    def damages(self) -> tuple[Damage, ...]:
        """Return every record that this installation did not write, or whose rows are not those that it covers."""

    @abstractmethod
    def marked(self, what: What) -> Sequence[int]:
        """Return the numbers of the rows that an erasure changed, in order."""

    @abstractmethod
    def longer_names(self, name: str) -> tuple[str, ...]:
        """Return the subjects of other rows that contain a name, such as order-10 for order-1."""


class Leftovers(Protocol):
    """Places in which a name may still be."""

    @abstractmethod
    def shrink(self) -> str:
        """Make the place forget what it deleted; return what is out of its reach, empty if nothing is.

        Raises:
            Unavailable: something else uses it.
        """

    @abstractmethod
    def search(self, needles: Mapping[str, bytes], covers: Sequence[bytes]) -> Iterator[tuple[str, str]]:
        """Yield each place, once, with the spelling that it has. What is a part of one of `covers` does not count."""


class PartNames(Protocol):
    """What parts call their rows."""

    @abstractmethod
    def names(self, part: Part) -> Iterator[tuple[int, str]]:
        """Yield each row's number and id; nothing where the file is not there or cannot be read."""


class SpoolFiles(Protocol):
    """What spools keep of predictions that are in the log already."""

    @abstractmethod
    def blank(self, needles: Sequence[bytes]) -> int:
        """Overwrite each line that has one of the needles and is in the log; return how many there were.

        Raises:
            Unavailable: the folder cannot be written.
        """


class ExportBook(Protocol):
    """Keeps which files were exported from which snapshot."""

    @abstractmethod
    def note(self, export: Export) -> None:
        """Keep an export; another one to the same path takes its place."""

    @abstractmethod
    def all(self) -> tuple[Export, ...]:
        """Return every export, sorted by path."""
