"""Records the rows of a file part by part, and goes on where the same import was interrupted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn

from handrail.bootstrap import Platform
from handrail.entrypoints.cli.feedback_import.columns import Options
from handrail.entrypoints.cli.feedback_import.opened import Opened, open_rows
from handrail.entrypoints.cli.feedback_import.resumed import Checkpoint, Counts
from handrail.entrypoints.cli.feedback_import.rows import At, Reading, Row, Source
from handrail.entrypoints.cli.output import messages
from handrail.errors import InvalidInput
from handrail.feedback import Receipt
from handrail.settings import make_home

CHUNK = 10_000
MOST_SHOWN = 20
"""How many rows that were set aside are named as they come."""


@dataclass
class Import:
    """One import of one file into a project's log."""

    platform: Platform
    file: str
    form: str | None
    options: Options

    def run(self) -> Counts:
        """Record all that can be recorded; repeat it after an interruption and it goes on.

        Raises:
            InvalidInput: the file cannot be read to its end; what was read before is recorded.
            Unavailable: the store is not there; the parts before are recorded.
        """
        checkpoint = self._checkpoint()
        known = checkpoint.read() if checkpoint else None
        counts = self._try_from(known, checkpoint) if known else None
        if counts is None:
            counts = self._record(At(), Counts(), checkpoint) or Counts()
        if checkpoint:
            checkpoint.end()
        return counts

    def _try_from(self, known: tuple[At, Counts], checkpoint: Checkpoint | None) -> Counts | None:
        try:
            return self._record(*known, checkpoint)
        except _Elsewhere:
            return None

    def _checkpoint(self) -> Checkpoint | None:
        if self.file == "-":
            return None
        kinds = {name: repr(kind) for name, kind in self.platform.feedback.kinds.items()}
        said = {"named": self.options.named, "fixed": self.options.fixed, "zone": str(self.options.zone)}
        about = {"file": str(Path(self.file).resolve()), "form": self.form, "kinds": kinds, **said}
        return Checkpoint.of(make_home(self.platform.settings), about)

    def _record(self, begin: At, counts: Counts, checkpoint: Checkpoint | None) -> Counts | None:
        """Record what follows `begin`; None if what comes before is not what was recorded."""
        log = self.platform.feedback
        with closing(open_rows(self.file, self.form)) as opened, _progress(opened) as show:
            source = Reading(self.options, self.platform.event_clock(), _say).rows(opened, begin)
            if source is None:
                return None
            if begin.position:
                _say(
                    f"Goes on behind line {begin.line:,}: what comes before was recorded by an import that did not end."
                )
            is_first = begin.position > 0
            for at, chunk in _chunks(source):
                places = [place for place, _ in chunk]
                receipt = log.receive([row for _, row in chunk], places)
                if is_first and receipt.accepted:
                    # The store is another one than it was, or an older copy of it.
                    raise _Elsewhere
                is_first = False
                before = copy.deepcopy(counts)
                _name(receipt, places, counts.refused_count)
                counts.add(receipt, places)
                show(sum((counts.accepted, counts.repeated, counts.conflict_count, counts.refused_count)))
                if checkpoint:
                    checkpoint.write(at, before)
        return counts


class _Elsewhere(Exception):  # noqa: N818 - a way out, not an error
    """What was recorded before is not in this store."""


def _chunks(source: Source) -> Iterator[tuple[At, list[tuple[str, Row]]]]:
    """Yield parts of the rows, each with where it begins; what a damaged file had before its damage is a part too."""
    rows, broken = iter(source), None
    while broken is None:
        at, chunk = source.at(), []
        try:
            for row in rows:
                chunk.append(row)
                if len(chunk) == CHUNK:
                    break
        except InvalidInput as err:
            broken = err
        if chunk:
            yield at, chunk
        if broken is None and len(chunk) < CHUNK:
            return
    raise broken


def _name(receipt: Receipt, places: list[str], named: int) -> None:
    for refusal in receipt.refused[: max(MOST_SHOWN - named, 0)]:
        messages.print(f"{places[refusal.index]}: {refusal.problem}", highlight=False, markup=False)


def _say(sentence: str) -> None:
    messages.print(sentence, highlight=False, markup=False)


@contextmanager
def _progress(opened: Opened) -> Iterator[Callable[[int], None]]:
    """Give what shows how many rows are done and how far the file is read: on a terminal, nothing elsewhere."""
    if not messages.is_terminal:
        # Not a disabled bar: the oldest rich that is supported ends one with an empty line.
        yield lambda _: None
        return
    columns = TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TextColumn("{task.percentage:.0f} %")
    with Progress(*columns, console=messages, transient=True) as bar:
        task = bar.add_task("", total=1.0 if opened.part() is not None else None, rows=0)
        yield lambda rows: bar.update(task, rows=rows, completed=opened.part() or 0.0)
