"""The page of an alias: who let what into production when, on what evidence; and the answer for one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handrail.approvals import RequestView
from handrail.entrypoints.console.charts import lanes
from handrail.entrypoints.console.moments import Span, read_span
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.request_cases import cases_of
from handrail.entrypoints.console.request_rules import rule_rows
from handrail.entrypoints.console.words import beside, counted, listed, moment, when

Row = dict[str, Any]
MOST_DRAWN = 12
HOW = {
    None: ("by request", "good"),
    "promotion": ("by request", "good"),
    "adoption": ("adopted", "flat"),
    "rollback": ("rollback", "flat"),
    "break-glass": ("break-glass", "bad"),
    "confirmation": ("confirmed", "good"),
    "revert": ("reverted", "warn"),
}


def names_page(names: Sequence[tuple[str, str, int | None]]) -> Page:
    """Return the list of aliases that the gate has moved: model, alias, and the version that it points at."""
    facts = {"aliases": [{"model": model, "alias": alias, "version": version} for model, alias, version in names]}
    return Page("timelines.html", "What was in production, when", facts)


@dataclass(frozen=True, slots=True)
class Asked:
    """A time as it was written, empty for none, and the place among the moves of what the alias pointed at then.

    `span` is how it was read; what lies beyond `now` was cut off, and `answer` is of its end.
    """

    moment: str = ""
    answer: int | None = None
    span: Span | None = None
    now: datetime | None = None

    @property
    def read_as(self) -> Span | None:
        """The first and the last second that were meant, none of them in the future; None if nothing was asked."""
        if not self.moment:
            return None
        first, last = self.span or read_span(self.moment)
        return (first, last) if self.now is None else (min(first, self.now), min(last, self.now))

    @property
    def is_future(self) -> bool:
        """Whether all of it lies in the future."""
        return self.span is not None and self.now is not None and self.span[0] > self.now


@dataclass(frozen=True, slots=True)
class Urgent:
    """What can be done about an alias at once, and what was done and waits for others.

    Attributes:
        emergency: what is in force by break-glass, as JSON values; None if nothing is.
        ways: whereto the alias can go back and who breaks the glass, as JSON values; None where no policy is about it.
        tokens: of the forms that the person may send, by their names: `rollback`, `break-glass`.
        kept: what a form sent that was not recorded, with `form`, `problem` and `status`.
        done: whether the person has broken the glass just now.
    """

    emergency: Row | None = None
    ways: Row | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


def timeline_page(  # noqa: PLR0913 - what such a page shows
    model: str,
    alias: str,
    moves: Sequence[tuple[Row, RequestView]],
    asking: Asked,
    urgent: Urgent = Urgent(),  # noqa: B008 - frozen
    named: Callable[[str], str] = str,
) -> Page:
    """Return the page of an alias.

    Args:
        model: the registered model.
        alias: its alias.
        moves: every move, oldest first: the tenure as JSON values, and its request.
        asking: the moment that was asked for.
        urgent: what can be done at once.
        named: gives the person behind an account.
    """
    rows, asked, answer = [_move(tenure, view, named) for tenure, view in moves], asking.moment, asking.answer
    span = asking.read_as
    facts = {
        "model": model,
        "alias": alias,
        "asked": asked,
        "read_as": span[1].isoformat() if span else None,
        "read_from": span[0].isoformat() if span else None,
        "now": asking.now.isoformat() if asking.now else None,
        "future": asking.is_future,
        "answer": None if answer is None else rows[answer],
        "during": _during(rows, span)[::-1] if span and span[0] < span[1] else [],
        "moves": rows[::-1],
        "count": counted(len(rows), "move"),
        "emergency": urgent.emergency,
        "ways": urgent.ways,
    }
    drawn = rows[-MOST_DRAWN:]
    picture = lanes([(f"{model} {row['version']}", moment(row["since"]), row["how"]) for row in drawn])
    said = "; then ".join(f"{model} {row['version']} since {when(row['since'])} {row['how']}" for row in drawn)
    title = f"What was {alias} of {model}, when, and who allowed it"
    extra = {"picture": picture if drawn else None, "said": said, "tokens": urgent.tokens, "kept": urgent.kept}
    return Page("timeline.html", title, facts, int(urgent.kept.get("status", 200)), extra | {"done": urgent.done})


def _during(rows: Sequence[Row], span: Span) -> list[Row]:
    """Return the moves by which the alias pointed at something in that time."""
    return [
        row
        for row in rows
        if moment(row["since"]) <= span[1] and (row["until"] is None or moment(row["until"]) > span[0])
    ]


def _move(tenure: Mapping[str, Any], view: RequestView, named: Callable[[str], str]) -> Row:
    how, kind = HOW.get(tenure["purpose"] or ("adoption" if view.history.request.subject.adopts else None), HOW[None])
    rules = rule_rows(view)
    return dict(tenure) | {
        "how": how,
        "kind": kind,
        "who": listed([beside(each["person"], each["account"]) for each in tenure["approvers"]])
        or "nobody who is recorded",
        "asked_by": named(tenure["requester"]),
        "made_by": listed([named(each) for each in tenure["authors"]]) or "nobody who is recorded",
        "on": _evidence(view, rules),
        "reason": view.history.request.reason,
        "revoked": view.to_json()["revoked"],
    }


def _evidence(view: RequestView, rules: Sequence[Row]) -> str:
    bound, row = view.history.request.subject, view.to_json()
    cases = cases_of(row["evaluation"], bound)
    met = sum(1 for each in rules if each["met"])
    said = [f"{met} of {counted(len(rules), 'rule')} met"] if rules else [f"“{row['reason']}”"]
    if cases["measures"]:
        main = next((each for each in cases["measures"] if each["name"] == cases["main"]), cases["measures"][0])
        value = f"{main['label']} {main['candidate_text']}"
        if cases["against"] and main["delta_text"]:
            value += f", against {cases['champion']} {main['delta_text']}"
        said.append(f"{value} ({main['interval_text']})" if main["interval_text"] else value)
    return "; ".join(said)
