"""The page of an alias: who let what into production when, on what evidence; and the answer for one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from handrail.approvals import RequestView
from handrail.entrypoints.console.charts import lanes
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.request_cases import cases_of
from handrail.entrypoints.console.request_rules import rule_rows
from handrail.entrypoints.console.words import counted, listed, moment, when
from handrail.errors import InvalidInput

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


def read_moment(text: str) -> datetime:
    """Return the moment that a person wrote, in UTC where no zone is named; a day alone means its end.

    Raises:
        InvalidInput: it is no moment.
    """
    asked = re.sub(r"\s*(UTC|utc|Z|z)$", "+00:00", text.strip())
    asked = re.sub(r"(\d)\s+([+-]\d\d:?\d\d)$", r"\1\2", asked)
    try:
        if re.fullmatch(r"\d{4}-?\d\d-?\d\d", asked):
            return datetime.combine(date.fromisoformat(asked), time(23, 59, 59), UTC)
        return moment(asked)
    except (ValueError, OverflowError):  # a zone can lead out of the calendar
        remedy = "Write it like 2026-11-28 21:54, 2026-11-28T21:54:00Z or 2026-11-28."
        raise InvalidInput("at", f"{text!r:.80} is not a moment", remedy) from None


def names_page(names: Sequence[tuple[str, str, int | None]]) -> Page:
    """Return the list of aliases that the gate has moved: model, alias, and the version that it points at."""
    facts = {"aliases": [{"model": model, "alias": alias, "version": version} for model, alias, version in names]}
    return Page("timelines.html", "What was in production, when", facts)


def timeline_page(
    model: str, alias: str, moves: Sequence[tuple[Row, RequestView]], asked: str, answer: int | None
) -> Page:
    """Return the page of an alias.

    Args:
        model: the registered model.
        alias: its alias.
        moves: every move, oldest first: the tenure as JSON values, and its request.
        asked: the moment that was asked for, as it was written; empty for none.
        answer: the place in `moves` of what the alias pointed at then; None if nothing, or nothing was asked.
    """
    rows = [_move(tenure, view) for tenure, view in moves]
    facts = {
        "model": model,
        "alias": alias,
        "asked": asked,
        "read_as": read_moment(asked).isoformat() if asked else None,
        "answer": None if answer is None else rows[answer],
        "moves": rows[::-1],
        "count": counted(len(rows), "move"),
    }
    drawn = rows[-MOST_DRAWN:]
    picture = lanes([(f"{model} {row['version']}", moment(row["since"]), row["how"]) for row in drawn])
    said = "; then ".join(f"{model} {row['version']} since {when(row['since'])} {row['how']}" for row in drawn)
    title = f"What was {alias} of {model}, when, and who allowed it"
    return Page("timeline.html", title, facts, 200, {"picture": picture if drawn else None, "said": said})


def _move(tenure: Mapping[str, Any], view: RequestView) -> Row:
    how, kind = HOW.get(tenure["purpose"] or ("adoption" if view.history.request.subject.adopts else None), HOW[None])
    rules = rule_rows(view)
    return dict(tenure) | {
        "how": how,
        "kind": kind,
        "who": listed([each["person"] for each in tenure["approvers"]]) or "nobody who is recorded",
        "on": _evidence(view, rules),
        "revoked": view.to_json()["revoked"],
    }


def _evidence(view: RequestView, rules: Sequence[Row]) -> str:
    bound, row = view.history.request.subject, view.to_json()
    cases = cases_of(row["evaluation"], bound.model, bound.version, bound.incumbent)
    met = sum(1 for each in rules if each["met"])
    said = [f"{met} of {len(rules)} rules met"] if rules else [f"“{row['reason']}”"]
    if cases["measures"]:
        main = next((each for each in cases["measures"] if each["name"] == cases["main"]), cases["measures"][0])
        value = f"{main['label']} {main['candidate_text']}"
        if cases["against"] and main["delta_text"]:
            value += f", against {cases['champion']} {main['delta_text']}"
        said.append(f"{value} ({main['interval_text']})" if main["interval_text"] else value)
    return "; ".join(said)
