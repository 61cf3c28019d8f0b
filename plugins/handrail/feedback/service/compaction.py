"""Copies the log into parts: what is new, and what was damaged, as often as somebody likes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from handrail.feedback.domain.parts import (
    WHATS,
    Compacted,
    Part,
    Reach,
    gaps,
    is_named,
    overlapping,
    position_of,
    reach_of,
)
from handrail.feedback.domain.values import Damage
from handrail.feedback.ports import LogReader, PartBook, PartFolder, PartSource

ROWS_AT_ONCE = 200_000
UNNAMED = "its record names another file than that of its rows"
DAMAGED = "damaged-part"


@dataclass(frozen=True, slots=True)
class Compaction:
    """Copies rows of the log into parts. Repeating it changes nothing; a killed one leaves nothing wrong behind.

    A file is written and synced, gets its name, and is recorded after that; what is not recorded is not read, and is
    removed by the next run. A record is trusted as far as its file, its name and the count of the log's rows bear it
    out: every row that no such record covers is copied again.
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
            kept = self._trusted(held)
            self.folder.keep_only(kept)
            upto, done = self.reader.mark(), self._again(held, kept, seen)
            position = position_of(self.book.all())
            for what in WHATS:
                for step in self._copied(Reach(what, getattr(position, what) + 1, getattr(upto, what))):
                    self.book.record(step)
                    done = _counted(done, what, step)
                    seen(done)
        return done

    def rewrite(self, reaches: Iterable[Reach]) -> Compacted:
        """Write anew what was written together, because rows of the log lost their subject.

        Raises:
            MissingTool: pyarrow is not installed.
            Unavailable: the store or the disk cannot be used; what was recorded before stays.
        """
        with self.folder.alone():
            held, stale = self.book.all(), set(reaches)
            kept = [part for part in self._trusted(held) if reach_of(part) not in stale]
            done = self._again(held, kept, lambda _: None)
            # Files of before have other names, where what lay side by side was written together.
            self.folder.keep_only(self.book.all())
        return done

    def damages(self) -> tuple[Damage, ...]:
        """Return what is wrong with each recorded part, and which rows of the log no part has that should."""
        held = self.book.all()
        found = [Damage(DAMAGED, part.path, problem) for part, problem in self._problems(held)]
        position, reaches = position_of(filter(is_named, held)), set(map(reach_of, filter(is_named, held)))
        for what in WHATS:
            for gap in gaps(what, reaches, getattr(position, what)):
                if rows := self.source.count(gap):
                    found.append(
                        Damage(DAMAGED, f"{what} {gap.first} to {gap.last}", f"no file has these {rows:,} rows")
                    )
        return tuple(found)

    def _problems(self, held: Sequence[Part]) -> Iterator[tuple[Part, str]]:
        """Yield each part that cannot be trusted, with the reason."""
        named = sorted(filter(is_named, held), key=lambda part: (*reach_of(part), part.path))
        yield from ((part, UNNAMED) for part in held if not is_named(part))
        twice = overlapping(set(map(reach_of, named)))
        for reach, group in groupby(named, key=reach_of):
            parts = list(group)
            found = {part: problem for part in parts if (problem := self.folder.problem_of(part))}
            if not found and (problem := self._problem_of(reach, parts, twice)):
                found = dict.fromkeys(parts, problem)
            yield from found.items()

    def _problem_of(self, reach: Reach, parts: Sequence[Part], twice: Collection[Reach]) -> str | None:
        """Return what is wrong with whole files that were written together."""
        if reach in twice:
            return "its rows lie in files of another run too"
        held, logged = sum(part.rows for part in parts), self.source.count(reach)
        if held == logged:
            return None
        return f"the files of rows {reach.first} to {reach.last} hold {held:,} rows, the log {logged:,}"

    def _trusted(self, held: Sequence[Part]) -> list[Part]:
        """Return the parts that can stay. Of those written together none can if one cannot: rows may change place."""
        bad = {part for part, _ in self._problems(held)}
        reaches = {reach_of(part) for part in bad if is_named(part)}
        return [part for part in held if part not in bad and reach_of(part) not in reaches]

    def _again(self, held: Sequence[Part], kept: Sequence[Part], seen: Callable[[Compacted], None]) -> Compacted:
        """Write anew what no sound record covers: events may know their predictions by now.

        The new records take the place of the others in one step, so that no reader sees a row twice or misses it.
        """
        done, written, mark = Compacted(), list[Part](), self.reader.mark()
        position, sound = position_of(held), {reach_of(part) for part in kept}
        for what in WHATS:
            upto = min(getattr(position, what), getattr(mark, what))
            for gap in gaps(what, sound, upto):
                for step in self._copied(gap):
                    written += step
                    done = replace(done, files=done.files + len(step), again=done.again + len(step))
                    seen(done)
        if written or len(kept) < len(held):
            self.book.record(written, instead_of=[part for part in held if part not in set(kept)])
        return done

    def _copied(self, reach: Reach) -> Iterator[Sequence[Part]]:
        """Write the rows of a reach, so many at once, and yield their parts."""
        while rows := self.source.rows(reach, self.at_once) if reach.first <= reach.last else ():
            yield self.folder.write(reach.what, rows)
            reach = reach._replace(first=rows[-1][0] + 1)


def _counted(done: Compacted, what: str, parts: Sequence[Part]) -> Compacted:
    rows = {what: getattr(done, what) + sum(part.rows for part in parts)}
    return replace(done, files=done.files + len(parts), **rows)
