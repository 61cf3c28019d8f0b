"""A snapshot fixes what was known, so that a report made from it stays the same whatever arrives later."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from operator import itemgetter
from typing import Any

from handrail import refs
from handrail.errors import Contradiction
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.kinds import DOOR_FIELDS, FIRST_FIELDS, Kind
from handrail.feedback.domain.material import EventRow, Mark, Material, PredictionRow, Scope
from handrail.feedback.domain.values import moment_text

_LATER = {field.name: field.default for field in fields(Kind) if field.name not in FIRST_FIELDS}
"""The fields of a kind that the first releases did not have, and what each is if nothing is said."""


class Format(IntEnum):
    """What a snapshot's digest covers, as stored and as written into the manifest (never renumber)."""

    IDS = 1
    """The ids of predictions and events: an altered label is not noticed."""
    BODIES = 2
    """All that cohorts and exports are made from; latencies are measurements, and no part of it."""


class SnapshotChanged(Contradiction):
    """The rows under a snapshot are no longer those that it was made from."""

    def __init__(self, digest: str, found: str) -> None:
        super().__init__(
            f"Using the snapshot {digest!r}",
            (f"Its rows now give {found!r}: the store was altered. Restore a backup, or take a new snapshot.",),
        )
        self.digest, self.found = digest, found


class SnapshotErased(Contradiction):
    """A snapshot contained rows of subjects that were erased since, so that nobody can make it again."""

    def __init__(self, digest: str, erased: int, successor: str) -> None:
        reason = f"It contained erased rows, {erased} predictions. Use what was made in its place: {successor!r}."
        super().__init__(f"Using the snapshot {digest!r}", (reason,))
        self.digest, self.erased, self.successor = digest, erased, successor


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A named state of knowledge: scope, rules, counts and the digest over all of it.

    `digest` is `sha256:<hex>` over scope, rules, and the sorted predictions and events, as far as `format` says. `mark`
    is where the log stood when it was first taken; it is not part of the digest, so the order of arrival does not
    change it. Where `erased` of its predictions lost their subject since, `successor` was made from what is left.
    """

    digest: str
    scope: Scope
    kind: Kind
    predictions: int
    events: int
    mark: Mark
    format: Format = Format.BODIES
    erased: int = 0
    successor: str = ""

    @property
    def covers(self) -> str:
        """What the digest covers, in a word: `ids` in snapshots of the first releases, else `bodies`."""
        return self.format.name.lower()

    @property
    def uri(self) -> str:
        """`feedback://handrail/snapshot/<digest>`: the name of this snapshot in lineage."""
        return refs.FeedbackSnapshot(self.digest).uri


def _said(kind: Kind) -> dict[str, Any]:
    """Return what a kind says. What later releases added counts where it is said: older digests stay what they were."""
    said = {name: value for name, value in asdict(kind).items() if name not in DOOR_FIELDS}
    return {name: value for name, value in said.items() if name not in _LATER or value != _LATER[name]}


class Recount:
    """Names a state of knowledge by its rows, which pass by in order: predictions by id, events by id and prediction.

    It holds none of them. Rows in another order give another digest.
    """

    def __init__(self, scope: Scope, kind: Kind, mark: Mark, form: Format = Format.BODIES) -> None:
        """Begin without a row."""
        self._about = scope, kind, mark, form
        self._prediction_line, self._event_line = _LINES[form]
        self._predictions, self._events = _Lines(), _Lines()

    def add_predictions(self, rows: Sequence[PredictionRow]) -> None:
        """Take the next predictions."""
        self._predictions.add(list(map(self._prediction_line, rows)))

    def add_events(self, rows: Sequence[EventRow]) -> None:
        """Take the next events."""
        self._events.add(list(map(self._event_line, rows)))

    def snapshot(self) -> Snapshot:
        """Return what the rows so far are named."""
        scope, kind, mark, form = self._about
        manifest = {
            "format": f"handrail.feedback.snapshot/{form:d}",
            "scope": asdict(scope),
            # A unit came later than the first snapshots: without one their digests are what they were.
            "kind": _said(kind),
            "predictions": self._predictions.hexdigest(),
            "events": self._events.hexdigest(),
        }
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), default=_plain)
        digest = f"sha256:{sha256(text.encode()).hexdigest()}"
        return Snapshot(digest, scope, kind, self._predictions.count, self._events.count, mark, form)

    def check(self, taken: Snapshot) -> None:
        """Refuse rows that are not those of a snapshot.

        Raises:
            SnapshotChanged: they give another digest.
        """
        found = self.snapshot()
        if found.digest != taken.digest:
            raise SnapshotChanged(taken.digest, found.digest)


class _Lines:
    """The digest of lines, with a line break between each two. No text that was let in holds one, or a tab."""

    def __init__(self) -> None:
        self._hash, self.count = sha256(), 0

    def add(self, lines: Sequence[str]) -> None:
        if lines:
            self._hash.update((("\n" if self.count else "") + "\n".join(lines)).encode())
            self.count += len(lines)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def recount_of(taken: Snapshot) -> Recount:
    """Begin to name again what a snapshot was made from."""
    return Recount(taken.scope, taken.kind, taken.mark, taken.format)


def build_snapshot(scope: Scope, kind: Kind, material: Material, mark: Mark, form: Format = Format.BODIES) -> Snapshot:
    """Name the state of knowledge that `material` is."""
    recount = Recount(scope, kind, mark, form)
    recount.add_predictions(sorted(material.predictions, key=itemgetter(0)))
    recount.add_events(sorted(material.events, key=itemgetter(3, 0)))
    return recount.snapshot()


def _plain(value: datetime | timedelta) -> str | float:
    return moment_text(value) if isinstance(value, datetime) else value.total_seconds()


def _prediction_line(row: PredictionRow) -> str:
    prediction_id, subject, deployment, made_at, score, label, _, *later = row
    first = (prediction_id, subject, deployment, str(made_at), _number(score), str(int(label)))
    return "\t".join((*first, *_if_said(later)))


def _event_line(row: EventRow) -> str:
    prediction_id, revision, occurred_at, event_id, value, item = row
    first = (event_id, prediction_id, str(int(revision)), str(occurred_at), _text(value))
    return "\t".join((*first, *_if_said([item])))


def _if_said(later: Sequence[str | float | None]) -> Sequence[str]:
    """Return what later releases added; nothing if none of it is said: older digests stay what they were."""
    return [_text(each) for each in later] if any(each not in ("", None) for each in later) else ()


def _text(value: str | float | None) -> str:
    return "" if value is None else value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    # SQLite keeps no sign of a zero.
    return repr(float(value) + 0.0)


_LINES: Mapping[Format, tuple[Callable[[PredictionRow], str], Callable[[EventRow], str]]] = {
    Format.IDS: (lambda row: row[0], lambda row: row[3]),
    Format.BODIES: (_prediction_line, _event_line),
}


Label = tuple[str, float | None, float, datetime, str, int | None]
"""(subject, label, score, made_at, prediction_id, revision); revision None where silence was the answer."""


@dataclass(frozen=True, slots=True)
class LabelTable:
    """The mature labels of a snapshot, each subject once, sorted by subject."""

    snapshot: Snapshot
    rows: tuple[Label, ...]


def label_table(snapshot: Snapshot, cohort: Cohort) -> LabelTable:
    """Keep the mature labels; of a subject predicted more than once, the label with the highest revision.

    Among equal revisions the latest prediction wins, then the greater id, so that the choice does not depend on order.
    """
    mature = cohort.judged()
    columns = (mature.subject, mature.label, mature.score, mature.made_at, mature.prediction_id, mature.revision)
    best: dict[str, Label] = {}
    for row in zip(*columns, strict=True):
        held = best.setdefault(row[0], row)
        if held is not row and _rank(row) > _rank(held):
            best[row[0]] = row
    return LabelTable(snapshot, tuple(best[subject] for subject in sorted(best)))


def _rank(row: Label) -> tuple[int, datetime, str]:
    revision = row[5]
    return (-1 if revision is None else revision, row[3], row[4])
