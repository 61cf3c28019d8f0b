"""What `handrail feedback status` shows beside the counts: rates, coverage, delays, figures, orphans, the spool."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from handrail.entrypoints.cli.output import print_rows, results
from handrail.feedback import Health, Spooled, Summary

UNKNOWN = "-"
HEAD = ("kind", "deployment", "read", "old enough", "coverage", "p50 h", "p90 h", "p99 h", "figure", "so far", "mature")


def as_json(health: Health, waiting: Spooled, now: datetime) -> dict[str, Any]:
    """Return everything by name; shares 0 to 1, delays in hours, ages in seconds."""
    recent = health.recent
    orphans = {kind: asdict(each) | {"share": each.share} for kind, each in recent.orphans.items()}
    return {
        "as_of": now.isoformat(),
        "recent": asdict(recent) | {"orphans": orphans},
        "summaries": [asdict(each) for each in health.summaries],
        "spool": {"bytes": waiting.bytes, "oldest_s": age_s(waiting, now)},
    }


def age_s(waiting: Spooled, now: datetime) -> float | None:
    """Return how long ago the oldest prediction was made that is not in the log, None if there is none."""
    return None if waiting.oldest is None else max((now - waiting.oldest).total_seconds(), 0.0)


def show(health: Health, waiting: Spooled, now: datetime) -> None:
    """Print it for people."""
    recent = health.recent
    least = "at least " if recent.bounded else ""
    for title, rates in (("predictions", recent.predictions), ("feedback", recent.feedback)):
        for name, rate in rates.items():
            line = f"{title} {name}: {least}{rate.hour:,} in the last hour, {least}{rate.day:,} in the last day"
            results.print(line, highlight=False)
    for kind, each in recent.orphans.items():
        line = f"orphans {kind}: {each.without:,} of the newest {each.looked_at:,} events, {each.share:.2%}"
        results.print(line, highlight=False)
    for reason, count in recent.quarantined.items():
        results.print(f"quarantine {reason}: {count:,}", highlight=False)
    if waiting.bytes:
        age = age_s(waiting, now)
        old = "" if age is None else f", the oldest line is {age:,.0f} s old"
        results.print(f"spool: {waiting.bytes:,} bytes wait{old}", highlight=False)
    if rows := [_row(each) for each in health.summaries if each.sampled]:
        head = (
            "kind",
            "deployment",
            "read",
            "mature",
            "coverage",
            "p50 h",
            "p90 h",
            "p99 h",
            "figure",
            "so far",
            "mature",
        )
        print_rows([head, *rows])


def _row(each: Summary) -> tuple[str, ...]:
    delays = (each.delay_p50_h, each.delay_p90_h, each.delay_p99_h)
    read = f"{each.sampled:,}" + (f" (1 of {each.step:,})" if each.step > 1 else "")
    return (
        each.kind,
        each.deployment or "all",
        read,
        f"{each.mature:.1%}",
        f"{each.coverage:.1%}",
        *(UNKNOWN if hours is None else f"{hours:,.1f}" for hours in delays),
        each.measured,
        *(UNKNOWN if value is None else f"{value:.4g}" for value in (each.so_far, each.figure)),
    )
