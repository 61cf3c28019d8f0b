"""Erases a subject: out of the log, out of every copy that Handrail made, and then looks whether anything is left.

Each step begins with what there is, so that a run that was killed anywhere is ended by the same command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handrail.errors import HandrailError, InvalidInput
from handrail.feedback.domain.erasure import PREFIX, Erased, Erasure, Export, What, Why
from handrail.feedback.domain.parts import Part, Reach, reach_of
from handrail.feedback.domain.reviews import owner_of_prediction, owner_of_subject
from handrail.feedback.domain.spellings import LEAST, spellings
from handrail.feedback.erasure_ports import ErasureBook, ExportBook, Leftovers, PartNames, SpoolFiles
from handrail.feedback.ports import PartBook
from handrail.feedback.review_ports import SealedTexts
from handrail.feedback.service.compaction import Compaction
from handrail.feedback.service.log import FeedbackLog
from handrail.files import sha256_of

EVERY = 2**31
_WHAT: dict[str, What] = {"predictions": "prediction", "events": "feedback"}


@dataclass(frozen=True, slots=True)
class Copies:
    """Where copies of the log's rows are: parts, spools, exports, and whatever else is searched."""

    parts: PartBook
    names: PartNames
    compaction: Compaction
    spool: SpoolFiles
    exports: ExportBook
    texts: SealedTexts
    places: Sequence[Leftovers]


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What an erasure did and what is left.

    `left` are places with the spelling that is still there, `beyond` says what nobody here can look at, `is_short`
    that the subject is too short for a search by bytes. `exports` were written anew, `moved` are files that are no
    longer what was exported.
    """

    erased: Erased
    exports: tuple[Export, ...]
    moved: tuple[Export, ...]
    left: tuple[tuple[str, str], ...]
    beyond: tuple[str, ...]
    failed: tuple[str, ...]
    is_short: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left as far as Handrail's own places reach."""
        return not (self.left or self.failed or self.is_short)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases subjects. `name_of` says what the log calls a subject."""

    log: FeedbackLog
    book: ErasureBook
    copies: Copies
    drain: Callable[[], object]
    name_of: Callable[[str], str]

    def erase(self, subject: str, by: str, at: datetime) -> ErasureReport:
        """Take a subject out of the log and of every copy, and search for what is left. Safe to repeat.

        Raises:
            InvalidInput: it is no subject, or one that an erasure named.
            Unavailable: the store, the spool or the disk cannot be used; run it again.
        """
        if not subject or subject.startswith(PREFIX):
            raise InvalidInput("subject", f"{subject!r} is none", "Name the subject as it was sent.")
        names = tuple(dict.fromkeys((self.name_of(subject), subject)))  # the subject itself is the last
        self.drain()
        # The keys first: behind the log's rows nobody knows any more which predictions were about the subject.
        self.copies.texts.destroy(self._owners(names))
        erased = self._take_out(names, by, at, "asked")
        rewritten, moved = self._write_exports_anew()
        beyond, failed = self._shrink()
        is_short = len(subject) < LEAST
        left = () if is_short else tuple(self._search(names))
        return ErasureReport(erased, rewritten, moved, left, beyond, failed, is_short)

    def records(self) -> tuple[Erasure, ...]:
        """Return every erasure, oldest first."""
        return self.book.records()

    def _owners(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            yield owner_of_subject(name)
            for made in self.log.predictions_about(name, EVERY):
                yield owner_of_prediction(made.prediction_id)

    def _take_out(self, names: Sequence[str], by: str, at: datetime, why: Why) -> Erased:
        erased = self.book.erase(names, by, at, why)
        self.copies.spool.blank([data for name in names for data in spellings(name).values()])
        if self.copies.parts.all():
            self.copies.compaction.rewrite([*self._stale()])
        return erased

    def _stale(self) -> Iterator[Reach]:
        """Yield what has a part that calls an erased row as before."""
        parts = self.copies.parts.all()
        numbers = {what: set(self.book.marked(_WHAT[what])) for what in _WHAT} if parts else {}
        for part in parts:
            if any(self._is_old(number, name, numbers[part.what]) for number, name in self._named(part, numbers)):
                yield reach_of(part)

    def _named(self, part: Part, numbers: dict[str, set[int]]) -> Iterator[tuple[int, str]]:
        if any(part.first <= number <= part.last for number in numbers[part.what]):
            yield from self.copies.names.names(part)

    @staticmethod
    def _is_old(number: int, name: str, marked: set[int]) -> bool:
        return number in marked and not name.startswith(PREFIX)

    def _write_exports_anew(self) -> tuple[tuple[Export, ...], tuple[Export, ...]]:
        """Write what was exported from a replaced snapshot from its successor, where it still is what was written."""
        after = {each.digest: each.successor for each in self.book.replaced()}
        anew, moved = [], []
        for each in self.copies.exports.all():
            digest = each.snapshot
            while digest in after:
                digest = after[digest]
            if digest == each.snapshot:
                continue
            path = Path(each.path)
            if path.is_file() and sha256_of(path) == each.sha256:
                self.log.export_snapshot(digest, path)
                anew.append(each)
            elif path.is_file():
                moved.append(each)
        return tuple(anew), tuple(moved)

    def _shrink(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        beyond, failed = [], []
        for place in self.copies.places:
            try:
                beyond.append(place.shrink())
            except HandrailError as err:
                failed.append(str(err))
        return tuple(each for each in beyond if each), tuple(failed)

    def _search(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        needles: dict[str, bytes] = {}
        for way, name in zip(("", "pseudonym, "), reversed(names), strict=False):
            needles |= {f"{way}{spelling}": data for spelling, data in spellings(name).items()}
        longer = (other for name in names for other in self.book.longer_names(name))
        covers = [data for other in longer for data in spellings(other).values()]
        for place in self.copies.places:
            yield from place.search(needles, covers)
