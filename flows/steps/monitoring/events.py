"""Sends to Prefect what monitoring found: an event a finding, and pages for the UI. Does nothing without a server.

The event is what automations wait for: its resource carries kind, state and month as labels, so that an automation
matches on them. The record under home/monitoring stays the truth.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flows.steps.project.outputs import write_json

EVENT = "handrail.finding"
RESOURCE = "handrail.model.{model}"
COUNTED = ("as_of", "predictions", "mature", "labelled", "coverage")
IDENTIFYING = ("figure", "value", "limit", "holds", "objective", "target", "owner")
CHECK_COLUMNS = ("figure", "value", "limit", "objective", "target", "owner")


def announce_once(
    home: Path,
    record: dict[str, Any],
    send: Callable[[dict[str, Any]], int] | None = None,
    report: Callable[[str], None] | None = None,
) -> int:
    """Announce a month's record unless the same judgement was announced before; return the number of events.

    A month is judged every day, and an alert asks for one retraining, not for one a day: what makes a judgement
    another one is its snapshot, its deployment, or what was found. The mark is written after the events, so none is
    ever left out. What was announced before is reported as a sentence.
    """
    mark = home / "monitoring" / "announced" / f"{record['month']}.json"
    judged = _identity(record)
    if mark.is_file() and (before := json.loads(mark.read_text(encoding="utf-8"))) == judged:
        if report:
            report(_announced_before(record, before))
        return 0
    sent = (send or announce)(record)
    if sent:
        write_json(mark, judged)
    return sent


def _identity(record: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a judgement the same one; health is measured anew each time, so its values do not count."""
    found = [
        {
            "kind": finding["kind"],
            "state": finding["state"],
            "checks": [
                {name: check[name] for name in IDENTIFYING if finding["kind"] != "health" or name != "value"}
                for check in finding["checks"]
            ],
        }
        for finding in record["findings"]
    ]
    return {"snapshot": record["snapshot"], "deployment": record["deployment"], "found": found}


def _announced_before(record: dict[str, Any], judged: dict[str, Any]) -> str:
    states = ", ".join(f"{each['kind']} {each['state']}" for each in judged["found"])
    return (
        f"{record['month']} was announced before with the same findings ({states}), limits and outcomes: no event is "
        "sent again."
    )


def announce(record: dict[str, Any]) -> int:
    """Emit an event for each finding of a month's record and write its pages; return the number of events."""
    if not _has_server():
        return 0
    for finding in record["findings"]:
        emit(finding)
    write_pages(record)
    return len(record["findings"])


def announce_finding(finding: Mapping[str, Any]) -> None:
    """Emit one finding, if there is a server."""
    if _has_server():
        emit(dict(finding))


def emit(finding: dict[str, Any]) -> None:
    """Emit one finding as the event `handrail.finding`."""
    from prefect.events import emit_event

    emit_event(EVENT, resource=resource_of(finding), payload=payload_of(finding))


def resource_of(finding: dict[str, Any]) -> dict[str, str]:
    """Return the event's resource: the model, with the labels that an automation matches on."""
    name = RESOURCE.format(model=finding["model"])
    return {
        "prefect.resource.id": name,
        "prefect.resource.name": finding["model"],
        "handrail.finding.kind": finding["kind"],
        "handrail.finding.state": finding["state"],
        "handrail.finding.month": finding["month"],
    }


def payload_of(finding: dict[str, Any]) -> dict[str, Any]:
    """Return the event's payload: the finding without its single checks."""
    return {name: value for name, value in finding.items() if name != "checks"}


def write_pages(record: dict[str, Any]) -> None:
    """Write a table of the month's findings and a page of its figures as Prefect artifacts."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact

    month = record["month"]
    create_table_artifact(
        key=f"findings-{month}",
        table=table_of(record),
        description=f"Findings about {record['model']} in {month}, as of {record['as_of']}",
    )
    create_markdown_artifact(key=f"month-{month}", markdown=page_of(record), description=f"Figures of {month}")


def table_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a check of each finding."""
    return [
        {"finding": finding["kind"], "state": finding["state"], **{name: check[name] for name in CHECK_COLUMNS}}
        for finding in record["findings"]
        for check in finding["checks"]
    ]


def page_of(record: dict[str, Any]) -> str:
    """Return the month's figures as Markdown, with coverage and as-of time beside them."""
    seen, health = record["performance"], record["health"]
    lines = [
        f"# {record['model']} in {record['month']}",
        f"As of {record['as_of']}, snapshot `{record['snapshot']}`, deployment `{record['deployment']}`.",
        "",
        "| figure | value |",
        "|---|---|",
    ]
    figures = {
        "predictions": seen["predictions"],
        "mature": seen["mature"],
        "coverage": seen["coverage"],
        **record.get("figures", _untitled(seen)),
        "score PSI": record["drift"]["score_psi"],
        "latency p50, ms": health["latency_p50_ms"],
        "latency p99, ms": health["latency_p99_ms"],
    }
    if health["batches"]:
        # Without a client that counts, nobody knows of a failed attempt.
        figures["failed attempts"] = health["failed_attempts"]
    lines += [f"| {name} | {_shown(value)} |" for name, value in figures.items()]
    if reason := record.get("features_missing"):
        lines += ["", f"Features of the month are not shown. {reason}"]
    lines += [
        "",
        *(f"- **{each['kind']}: {each['state']}.** {' '.join(each['reasons'])}" for each in record["findings"]),
        *(f"\n{sentence}" for sentence in record.get("advice", ())),
    ]
    return "\n".join(lines)


def _untitled(seen: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a record of an earlier version, which held no titles."""
    return {name.replace("_", " "): value for name, value in seen.items() if name not in COUNTED}


def _shown(value: float | int | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _has_server() -> bool:
    """Say whether a Prefect server was named; without one Prefect would start its own for seconds."""
    return bool(os.environ.get("PREFECT_API_URL"))
