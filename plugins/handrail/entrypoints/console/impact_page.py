"""The page of an impact: what something has touched, how it reached it, whom to notify, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.answers.reach import REPLACED, SERVING, Reach
from handrail.entrypoints.answers.reach_facts import reach_of
from handrail.entrypoints.console.pages import Page
from handrail.lineage import Lineage

AddressOf = Callable[[str], str | None]
MOST_COUNTED = 200_000
"""After so many things the walk for a page ends, and its numbers are lower bounds; the command goes on."""
MOST_LISTED = 100
KINDS = {SERVING: "warn", REPLACED: "flat"}


def ask_page() -> Page:
    """Return the page that asks what the impact of is wanted."""
    return Page("impact.html", "What has it touched?", {"q": "", "found": False})


def impact_page(platform: Platform, lineage: Lineage, q: str, address: AddressOf) -> Page:
    """Return the page of what something led to.

    Args:
        platform: what else is recorded, in feedback and by the gate.
        lineage: where it is looked for.
        q: any name of it, also of one column: `dataset#column`.
        address: the page of a URI on the server that shows this, None where there is none.

    Raises:
        UnknownReference: nothing has that name.
        InvalidInput: several things have it.
        Unavailable: the store cannot be read.
    """
    impact = lineage.impact(q, MOST_COUNTED)
    reach = reach_of(platform, lineage, impact)
    start = f"{impact.start}#{impact.column}" if impact.column else impact.start
    versions = [
        {**row, "kind": KINDS.get(row["state"], "flat"), "address": address(row["uri"])}
        for row in reach.to_json()["versions"]
    ]
    facts = reach.to_json() | {
        "q": q,
        "found": True,
        "uri": start,
        "title": f"What {_short(q)} has touched",
        "versions": versions,
        "is_serving": bool(reach.serving),
        "truncated": impact.truncated,
        "answers": _answers(reach),
        "kinds": _kinds(reach),
        "failed": list(impact.failed[:MOST_LISTED]),
    }
    return Page("impact.html", str(facts["title"]), facts)


def _short(q: str) -> str:
    return q if len(q) <= 60 else f"{q[:28]}…{q[-28:]}"


def _answers(reach: Reach) -> list[dict[str, Any]]:
    """Return a table for each kind of outcome: answers down, outcomes across, with sums."""
    return [_table(one.kind, one.rows) for one in reach.outcomes]


def _table(kind: str, rows: Sequence[tuple[str, str | None, int]]) -> dict[str, Any]:
    columns = list(dict.fromkeys(outcome for _, outcome, _ in rows if outcome is not None))
    names: list[str | None] = [*columns, *([None] if any(outcome is None for _, outcome, _ in rows) else [])]
    counts = {(answer, outcome): number for answer, outcome, number in rows}
    lines: list[dict[str, Any]] = []
    for answer in dict.fromkeys(answer for answer, _, _ in rows):
        numbers = [counts.get((answer, name), 0) for name in names]
        lines.append({"answer": answer, "numbers": numbers, "all": sum(numbers)})
    every = [sum(int(line["numbers"][place]) for line in lines) for place in range(len(names))]
    lines.append({"answer": "all", "numbers": every, "all": sum(every)})
    return {"kind": kind, "columns": [name if name is not None else "unknown" for name in names], "lines": lines}


def _kinds(reach: Reach) -> list[dict[str, Any]]:
    impact = reach.impact
    listed = {kind: list(uris[:MOST_LISTED]) for kind, uris in impact.names.items()}
    counts = {kind: len(uris) for kind, uris in impact.names.items()} | {
        kind: number for kind, number in impact.counts.items() if kind not in impact.names
    }
    return [{"kind": kind, "count": count, "uris": listed.get(kind, [])} for kind, count in counts.items() if count]
