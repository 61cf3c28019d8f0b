"""What changed from one version to another, each difference with its origin; and what of it is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from handrail.approvals.domain.comparing_texts import TextChange

MOST_ROWS = 100
"""The most differences that are listed of a part; the rest is counted."""
LONGEST = 300
"""The longest value that is shown whole."""


class Origin(StrEnum):
    """Who answers for a value, strongest first."""

    RECOMPUTED = "recomputed"
    MEASURED = "measured by the pipeline"
    WORD = "author's word"


STRENGTH = tuple(Origin)


def weakest(origins: Sequence[Origin]) -> Origin:
    """Return the weakest of some origins, the author's word if there are none."""
    return max(origins, key=STRENGTH.index, default=Origin.WORD)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing before and after; None where that version has none of it, or if not `known`, where it is not known."""

    name: str
    before: Any
    after: Any
    origin: Origin = Origin.WORD
    known: bool = True

    @property
    def is_change(self) -> bool:
        """Whether both sides differ."""
        return bool(self.before != self.after)


@dataclass(frozen=True, slots=True)
class Part:
    """The differences of one sort, and the number of things that are the same.

    `known` says of before and after whether anything is known. Where only one side is, nothing is listed, unless there
    is no other version at all: then everything is new.
    """

    rows: tuple[Difference, ...] = ()
    same: int = 0
    known: tuple[bool, bool] = (False, False)
    origin: Origin = Origin.WORD

    @property
    def changed(self) -> tuple[Difference, ...]:
        """What both versions have, with another value."""
        return tuple(row for row in self.rows if row.before is not None and row.after is not None)

    @property
    def added(self) -> tuple[Difference, ...]:
        """What only the later version has."""
        return tuple(row for row in self.rows if row.before is None)

    @property
    def removed(self) -> tuple[Difference, ...]:
        """What only the earlier version has."""
        return tuple(row for row in self.rows if row.after is None)


@dataclass(frozen=True, slots=True)
class Code:
    """The commits, whether their checkouts were clean (None: not known), and the source files of the stages."""

    commit: Difference
    clean: Difference
    files: Part


@dataclass(frozen=True, slots=True)
class Features:
    """The inputs by name, the feature services, and what each feature weighs, the largest move first."""

    names: Part
    count: Difference
    service: Difference
    importances: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the version that an alias points at. `version` and `tree` are None for a first promotion.

    `unknown` has a sentence for each thing that could not be compared, and `unread` those that are there when asked
    again. `prompt` has the texts of a prompt, None if the version is one of a model. `settings` are the single
    values by which a package answers, like its threshold. `unrecorded` names what nobody
    recorded of how the later version was made, though all that would say it was read: its commit, its training data.
    """

    request_id: str
    version: int | None
    tree: str | None
    files: Part
    parameters: Part
    code: Code
    data: tuple[Difference, ...]
    features: Features
    environment: Part
    unknown: tuple[str, ...]
    prompt: tuple[TextChange, ...] | None = None
    settings: Part = Part()
    unread: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values, bounded: long lists and long values are cut, and say by how much."""
        return {
            "request_id": self.request_id,
            "against": {"version": self.version, "tree": self.tree},
            "files": _of_three(self.files, "path"),
            "settings": _of_three(self.settings, "name"),
            "parameters": {
                "changed": [_row(row, "name") for row in self.parameters.rows[:MOST_ROWS]],
                "unchanged": self.parameters.same,
                **_of(self.parameters),
            },
            "code": {
                "commit": _row(self.code.commit),
                "clean": _row(self.code.clean),
                "files": _of_three(self.code.files, "path"),
            },
            "data": [_row(row, "what") for row in self.data[:MOST_ROWS]],
            "features": {
                "added": [_short(row.name) for row in self.features.names.added[:MOST_ROWS]],
                "removed": [_short(row.name) for row in self.features.names.removed[:MOST_ROWS]],
                "same": self.features.names.same,
                **_of(self.features.names),
                "count": _row(self.features.count),
                "service": _row(self.features.service),
                "importances": [_moved(row) for row in self.features.importances[:MOST_ROWS]],
            },
            "environment": _of_three(self.environment, "name"),
            "unknown": [_short(sentence) for sentence in self.unknown[:MOST_ROWS]],
            "unread": list(self.unread),
            **({} if self.prompt is None else {"prompt": [each.to_json() for each in self.prompt]}),
            "unrecorded": list(self.unrecorded),
        }


def _of(part: Part) -> dict[str, Any]:
    left_out = max(0, len(part.rows) - MOST_ROWS)
    known = {"before": part.known[0], "after": part.known[1]}
    return {"origin": str(part.origin), "known": known, "left_out": left_out}


def _of_three(part: Part, key: str) -> dict[str, Any]:
    """Return a part as lists of changed, added and removed things; of too many the changed ones go first."""
    left, rows = MOST_ROWS, dict[str, list[dict[str, Any]]]()
    for name, found in (("changed", part.changed), ("added", part.added), ("removed", part.removed)):
        rows[name] = [_row(row, key) for row in found[:left]]
        left -= len(rows[name])
    return {**rows, "same": part.same, **_of(part)}


def _row(row: Difference, key: str | None = None) -> dict[str, Any]:
    named = {key: _short(row.name)} if key else {}
    values = {"before": _short(row.before), "after": _short(row.after), "origin": str(row.origin)}
    return named | values | {"known": row.known}


def _moved(row: Difference) -> dict[str, Any]:
    move = None if row.before is None or row.after is None else round(row.after - row.before, 9)
    return _row(row, "name") | {"change": move}


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _short(inner) for name, inner in value.items()}
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value):,} characters)"
    return value
