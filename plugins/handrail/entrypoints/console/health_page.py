"""The page of health: whether services are up, how much is asked, how quickly they answer, and what fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_health
from handrail.clock import system_time
from handrail.delivery import CHAMPION, FALLBACK, REQUESTS, Fault, HealthBin, Load
from handrail.entrypoints.console.deployments_page import everything, model_of
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.series import Axis, axis, columns, line
from handrail.errors import InvalidInput, UnknownReference

Row = dict[str, Any]
SPANS = {
    "1h": ("hour", timedelta(hours=1), timedelta(minutes=1)),
    "24h": ("day", timedelta(days=1), timedelta(minutes=20)),
    "7d": ("week", timedelta(days=7), timedelta(hours=2)),
}
"""What may be shown: its name, how long it is, and the length of a stretch in the charts."""
MOST_SLOTS = 12
SHORT = {
    Fault.UNAVAILABLE: "could not answer (503)",
    Fault.FAILED: "failed (5xx)",
    Fault.SLOW: "took too long (408, 504)",
    Fault.BUSY: "came when too much was asked (429)",
    Fault.REFUSED: "were wrong, or from nobody known (4xx)",
}


def health_page(  # noqa: PLR0913 - what a host asks with
    platform: Platform,
    service: str,
    over: str,
    reads: Callable[[str], bool] = everything,
    *,
    clock: Callable[[], datetime] = system_time,
) -> Page:
    """Return how services did lately, of one service or of all.

    Args:
        platform: knows the record of health, and which version a deployment serves.
        service: the name of a service; empty for all.
        over: one of `SPANS`, a day if empty.
        reads: what the person may read, by the URI of a version.
        clock: system time.

    Raises:
        InvalidInput: there is no such span.
        UnknownReference: no service that the person may read has that name.
    """
    if over and over not in SPANS:
        raise InvalidInput("over", f"{over[:20]!r} is not shown", f"Choose one of {', '.join(SPANS)}.")
    _, span, step = SPANS[over or "24h"]
    now = clock()
    start = _floor(now - span, step) + step
    bins = open_health(platform).read(start, now + timedelta(minutes=1), step)
    versions = {each.uri: each.model_version_uri or "" for each in platform.feedback.deployments()} if bins else {}
    mine = _readable(bins, lambda deployment: reads(versions.get(deployment, "")), is_all=reads is everything)
    shown = [name for name in mine if service in ("", unquote(name.rpartition("/")[2]))]
    if service and not shown:
        raise UnknownReference("service", service, "See which there are: /handrail/health.")
    stretches = [start + step * place for place in range(int((now - start) / step) + 1)]
    rows = [_service(name, mine[name], stretches, step, now) for name in shown]
    for row, charts in rows:
        row["charts"] = list(charts)
        for slot in row["slots"]:
            slot["version"] = model_of(versions.get(slot["deployment"], ""))
    facts: Row = {"service": service, "over": over or "24h", "spans": {key: each[0] for key, each in SPANS.items()}}
    facts |= {"services": [row for row, _ in rows], "start": start.isoformat(), "end": now.isoformat()}
    drawn = {row["name"]: charts for row, charts in rows}
    title = f"How {service or 'services'} did in the last {SPANS[over or '24h'][0]}"
    return Page("health.html", title, facts, 200, {"drawn": drawn, "short": SHORT})


def _readable(bins: Sequence[HealthBin], reads: Callable[[str], bool], *, is_all: bool) -> dict[str, list[HealthBin]]:
    """Return what the person may read of each service, by name; nothing of one that has no slot of theirs."""
    found: dict[str, list[HealthBin]] = {}
    for each in bins:
        if not each.deployment or is_all or reads(each.deployment):
            found.setdefault(each.pointer, []).append(each)
    return {name: some for name, some in sorted(found.items()) if is_all or any(each.deployment for each in some)}


def _service(
    pointer: str, bins: Sequence[HealthBin], stretches: Sequence[datetime], step: timedelta, now: datetime
) -> tuple[Row, dict[str, Row]]:
    """Return what is said of a service, and its charts by name."""
    whole = [each for each in bins if each.name == REQUESTS]
    total = sum((each.load for each in whole), Load())
    slots = _slots(bins)
    alive = sum(each.minutes for each in whole)
    first = min((each.first for each in whole), default=now)
    minutes = max(int((now - first) / timedelta(minutes=1)) + 1, alive, 1)
    row = {
        "name": pointer,
        "service": unquote(pointer.rpartition("/")[2]),
        "environment": unquote(pointer.split("/")[2]),
        "up": alive / minutes if whole else None,
        "down_minutes": minutes - alive,
        "asked": total.asked,
        "per_second": total.asked / (minutes * 60),
        "errors": total.errors,
        "error_share": total.errors / total.asked if total.asked else None,
        "faults": {each.value: total.faults[each] for each in SHORT if total.faults.get(each)},
        **_quantiles(total),
        "slots": [each | {"shadow": _is_shadow(each["deployment"], pointer)} for each in slots[:MOST_SLOTS]],
        "hidden": len(slots[MOST_SLOTS:]),
    }
    charts = {"requests": _requests(whole, stretches, step, now), "latency": _latency(whole, stretches)}
    for slot in row["slots"]:
        of = [each for each in bins if (each.name, each.deployment) == (slot["name"], slot["deployment"])]
        charts[f"{slot['name']} {slot['deployment']}"] = _latency(of, stretches)
    return row, charts


def _slots(bins: Sequence[HealthBin]) -> list[Row]:
    """Return each slot and deployment, the champion's newest first; one of another service answers in shadow."""
    loads: dict[tuple[str, str], Load] = {}
    last: dict[tuple[str, str], datetime] = {}
    for each in bins:
        if each.name != REQUESTS:
            key = each.name, each.deployment
            loads[key] = loads.get(key, Load()) + each.load
            last[key] = max(each.start, last.get(key, each.start))
    order = sorted(loads, key=lambda key: (CHAMPION, FALLBACK).index(key[0]) if key[0] in (CHAMPION, FALLBACK) else 2)
    order.sort(key=lambda key: last[key], reverse=True)
    order.sort(key=lambda key: key[0] != CHAMPION)
    return [_slot(name, deployment, loads[name, deployment]) for name, deployment in order]


def _is_shadow(deployment: str, pointer: str) -> bool:
    """Say whether a deployment is one of a service beside that of the slot: its answers are only recorded."""
    return not deployment.startswith(f"{pointer}/")


def _slot(name: str, deployment: str, load: Load) -> Row:
    return {
        "name": name,
        "deployment": deployment,
        "asked": load.asked,
        "items": load.items,
        "errors": load.errors,
        "degraded_share": load.degraded / load.items if load.items else None,
        "dropped": load.dropped,
        **_quantiles(load),
    }


def _quantiles(load: Load) -> Row:
    return {
        name: None if value is None else value * 1e3
        for name, value in (
            ("p50_ms", load.quantile(0.5)),
            ("p95_ms", load.quantile(0.95)),
            ("p99_ms", load.quantile(0.99)),
        )
    }


def _requests(bins: Sequence[HealthBin], stretches: Sequence[datetime], step: timedelta, now: datetime) -> Row:
    """Draw how much was asked a minute, and how much of it failed; the last stretch is not over."""
    loads = _by_start(bins)
    minutes = {at: max(min(step, now - at) / timedelta(minutes=1), 1.0) for at in stretches}
    asked = [loads[at].asked / minutes[at] if at in loads else None for at in stretches]
    errors = [loads[at].errors / minutes[at] if at in loads else None for at in stretches]
    scale = axis(asked, 1.0)
    return _chart(scale, stretches, {"asked": columns(scale, asked), "errors": columns(scale, errors)})


def _latency(bins: Sequence[HealthBin], stretches: Sequence[datetime]) -> Row:
    """Draw the middle and the slowest hundredth of the latencies, in milliseconds."""
    loads = _by_start(bins)
    found = {name: [_ms(loads.get(at), share) for at in stretches] for name, share in (("p50", 0.5), ("p99", 0.99))}
    scale = axis([*found["p50"], *found["p99"]], 1.0)
    return _chart(scale, stretches, {name: line(scale, values) for name, values in found.items()})


def _ms(load: Load | None, share: float) -> float | None:
    value = load.quantile(share) if load else None
    return None if value is None else value * 1e3


def _chart(scale: Axis, stretches: Sequence[datetime], paths: Mapping[str, str]) -> Row:
    return {"marks": scale.marks, "first": stretches[0], "last": stretches[-1], **paths}


def _by_start(bins: Sequence[HealthBin]) -> dict[datetime, Load]:
    found: dict[datetime, Load] = {}
    for each in bins:
        found[each.start] = found.get(each.start, Load()) + each.load
    return found


def _floor(moment: datetime, step: timedelta) -> datetime:
    length = int(step.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // length * length, UTC)
