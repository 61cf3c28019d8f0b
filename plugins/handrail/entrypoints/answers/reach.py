"""What something has touched, for eyes: six figures, how it reached them, the outcomes of predictions, whom to notify.

The facts are read in `reach_facts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from handrail.entrypoints.answers.words import counted
from handrail.lineage import Impact

SERVING, REPLACED, NEVER, UNPLACED = "serving", "replaced", "never served", "in no recorded slot"
SHADOW = "in shadow"


@dataclass(frozen=True, slots=True)
class Served:
    """A deployment that was reached: what it serves, since when and until when (None: now), how many predictions."""

    uri: str
    name: str
    version: str
    since: datetime | None
    until: datetime | None
    predictions: int
    in_shadow: bool = False
    """Whether it answers in shadow, so that nobody gets its answers."""

    @property
    def is_serving(self) -> bool:
        """Whether it is what its slot points at now, and people get its answers."""
        return self.is_there and not self.in_shadow

    @property
    def is_there(self) -> bool:
        """Whether it is what its slot points at now."""
        return self.since is not None and self.until is None


@dataclass(frozen=True, slots=True)
class Touched:
    """A model version that was reached, and by which way: names from what was asked about to the version.

    `aliases` are the names that point at it now, `allowed_by` those who let a name point at it at any time. `state` is
    about the services alone: an alias may point at a version that nobody deployed yet.
    """

    uri: str
    name: str
    aliases: tuple[str, ...]
    state: str
    predictions: int
    allowed_by: tuple[str, ...]
    way: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many predictions of an answer had which outcome; an outcome of None is unknown. Words are the project's."""

    kind: str
    rows: tuple[tuple[str, str | None, int], ...]


@dataclass(frozen=True, slots=True)
class Concerned:
    """A person or service to notify, and why."""

    name: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What an impact means for people. `outcomes` are left out where counting them would take long (`too_many`)."""

    impact: Impact
    versions: tuple[Touched, ...] = ()
    deployments: tuple[Served, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    concerned: tuple[Concerned, ...] = ()
    too_many: bool = False

    @property
    def serving(self) -> tuple[Served, ...]:
        """The deployments that answer now."""
        return tuple(each for each in self.deployments if each.is_serving)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The six figures, in their order."""
        impact = self.impact
        reports = len(impact.names.get("report", ()))
        snapshots = len(impact.names.get("feedback-snapshot", ()))
        money = [f"{amount:,f} {currency}" for currency, amount in impact.total_money.items()]
        served = sum(each.predictions > 0 for each in self.versions)
        first = min((each.since for each in self.deployments if each.since), default=None)
        return (
            Figure("Serving now", f"{len(self.serving):,}", ", ".join(each.version for each in self.serving)),
            Figure("Model versions", f"{len(self.versions):,}", f"{served:,} of them predicted"),
            Figure("Deployments", f"{len(self.deployments):,}", "", first),
            Figure("Predictions", f"{impact.total:,}", "a lower bound" if impact.truncated else ""),
            Figure("Reports", f"{reports:,}", f"and {counted(snapshots, 'snapshot')}" if snapshots else ""),
            Figure("Money", ", ".join(money) or "not priced", "" if money else "no kind of feedback has a unit"),
        )

    @property
    def summary(self) -> str:
        """One sentence on what is most urgent."""
        if self.serving:
            names = ", ".join(dict.fromkeys(each.version for each in self.serving))
            return f"{names} came from it and {'answers' if len(self.serving) == 1 else 'answer'} now."
        if self.impact.total:
            before = counted(self.impact.total, "prediction")
            return f"Nothing that came from it answers now; {before} came from it before."
        if self.versions:
            return f"{counted(len(self.versions), 'model version')} came from it, and no prediction."
        return "No model version came from it." if self.impact.reached else "Nothing came from it."

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values; moments are ISO 8601."""
        return {
            "summary": self.summary,
            "figures": [each.to_json() for each in self.figures],
            "versions": [_plain(each) for each in self.versions],
            "deployments": [_plain(each) | {"serving": each.is_serving} for each in self.deployments],
            "outcomes": [
                {"kind": one.kind, "rows": [{"answer": a, "outcome": o, "predictions": n} for a, o, n in one.rows]}
                for one in self.outcomes
            ],
            "outcomes_left_out": self.too_many,
            "concerned": [_plain(each) for each in self.concerned],
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its label and a note; `since` is the moment that the note ends in, if there is one."""

    label: str
    value: str
    note: str = ""
    since: datetime | None = field(default=None)

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return {"label": self.label, "value": self.value, "note": self.note, "since": _moment(self.since)}


def state_of(deployments: Sequence[Served], predictions: int) -> str:
    """Return where a version stands, of which these are the deployments: it answers now, in shadow, or did before."""
    if any(each.is_serving for each in deployments):
        return SERVING
    if any(each.is_there for each in deployments):
        return SHADOW
    if any(each.until is not None for each in deployments):
        return REPLACED
    return UNPLACED if predictions else NEVER


def _plain(value: Any) -> dict[str, Any]:
    return {name: _moment(part) if isinstance(part, datetime) else part for name, part in asdict(value).items()}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
