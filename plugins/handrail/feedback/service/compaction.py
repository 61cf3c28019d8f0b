"""Copies the log into parts: what is new, and what was damaged, as often as somebody likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handrail.feedback.domain.parts import WHATS, Compacted, Part, Reach, position_of, reach_of
from handrail.feedback.ports import LogReader, PartBook, PartFolder, PartSource

ROWS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class Compaction:
    """Copies rows of the log into parts. Repeating it changes nothing; a killed one leaves nothing wrong behind.

    A file is written and synced, gets its name, and is recorded after that; what is not recorded is not read, and is
    removed by the next run.
    """

    reader: LogReader
    source: PartSource
    book: PartBook
    folder: PartFolder
    at_once: int = ROWS_AT_ONCE

    def run(self, seen: Callable[[Compacted], None] = lambda _: None) -> Compacted:
        """Copy what is new, and what was damaged anew; `seen` is called after each step with what was done so far.

        Raises:
            MissingTool: pyarrow is not installed.
            Unavailable: the store or the disk cannot be used; what was recorded before stays.
        """
        with self.folder.alone():
            held = self.book.all()
            self.folder.keep_only(held)
            done = Compacted()
            for reach in sorted({reach_of(part) for part in self.folder.damaged(held)}):
                done = self._again(reach, done)
                seen(done)
            upto, position = self.reader.mark(), position_of(held)
            for what in WHATS:
                reach = Reach(what, getattr(position, what) + 1, getattr(upto, what))
                while rows := self.source.rows(reach, self.at_once) if reach.first <= reach.last else ():
                    parts = self.folder.write(what, rows)
                    self.book.record(parts)
                    done = _counted(done, what, parts)
                    seen(done)
                    reach = reach._replace(first=rows[-1][0] + 1)
        return done

    def damaged(self) -> tuple[Part, ...]:
        """Return the parts whose file is missing or is not what was written."""
        return self.folder.damaged(self.book.all())

    def _again(self, reach: Reach, done: Compacted) -> Compacted:
        """Write anew what was written together: events may know their predictions by now."""
        rows = self.source.rows(reach, reach.last - reach.first + 1)
        parts = self.folder.write(reach.what, rows) if rows else ()
        self.book.record(parts, instead_of=reach)
        return replace(done, files=done.files + len(parts), again=done.again + len(parts))


def _counted(done: Compacted, what: str, parts: Sequence[Part]) -> Compacted:
    rows = {what: getattr(done, what) + sum(part.rows for part in parts)}
    return replace(done, files=done.files + len(parts), **rows)
