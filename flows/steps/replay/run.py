"""Replays recorded days after go-live against the running bento: whole days over HTTP, hour by simulated hour.

A replay keeps its position after each hour. Everything it sends is named by what it is, so the next run continues from
there, sends the hour it was stopped in once more, and ends with the same figures.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.steps.data.live import Live, open_live
from flows.steps.release.served_model import serving_deployment
from flows.steps.replay.bento import BentoClient
from flows.steps.replay.log import Batch, Position, ReplayLog
from flows.steps.replay.plan import DEFAULT_DAYS, SimulatedHour, days_before, replayed_days, timeline
from flows.steps.replay.truth import Fate, OutcomeReport, address_of, fate_of
from handrail.bootstrap import Platform, open_platform
from handrail.clock import EventClock
from handrail.errors import Conflict, Misconfigured, Unavailable
from handrail.feedback import prediction_id_for
from handrail.http import serving_token
from handrail.settings import Settings
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from flows.steps.replay.features import FeastOnline

DRAINED_WITHIN_S = 60.0
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Actors:
    """Everything that a replay drives, and what it is about."""

    case: UseCase
    clock: EventClock
    store: FeastOnline
    bento: BentoClient
    log: ReplayLog


def replay(
    settings: Settings, days: int = DEFAULT_DAYS, progress: Progress | None = None, kept: Sequence[date] = ()
) -> dict[str, Any]:
    """Replay `days` whole days against the running bento; return the figures. Safe to stop and to repeat.

    `kept` are days of another purpose: only those before the first of them are replayed.

    It is the replay of what the environment serves now; one that was finished for an earlier deployment is described by
    `finished_figures`.

    Raises:
        Unavailable: the bento did not take an hour, after several attempts; run it again to continue from that hour.
        Misconfigured: event time follows the system here.
    """
    from flows.steps.replay.features import FeastOnline

    _require_replay(settings)
    case, live = read_use_case(settings.project), open_live(settings)
    chosen = replayed_days(days_before(live.rows[case.time.day], kept), days)
    rows = _replayed(live, case, chosen)
    hours = timeline(rows, case)
    log = ReplayLog(settings.home / "replay")
    client = BentoClient(settings.url("bento"), serving_token(settings), case.subject.many)
    with open_platform(settings) as platform, client as bento:
        deployment = serving_deployment(platform)
        store = FeastOnline(settings, live.features)
        run(Actors(case, platform.event_clock, store, bento, log), hours, _start(deployment, chosen), progress)
        wait_until_drained(platform, deployment, rows.height)
    return figures(hours, log, case)


def finished_figures(
    settings: Settings, deployment: str, days: int = DEFAULT_DAYS, kept: Sequence[date] = ()
) -> dict[str, Any] | None:
    """Return the figures of a replay of `deployment` that was carried out to its end, None if there is none."""
    case, live = read_use_case(settings.project), open_live(settings)
    chosen = replayed_days(days_before(live.rows[case.time.day], kept), days)
    hours = timeline(_replayed(live, case, chosen), case)
    log = ReplayLog(settings.home / "replay")
    finished = replace(_start(deployment, chosen), hour=hours[-1].at)
    position = log.position()
    if position is None or replace(position, features_until=None) != finished:
        return None
    return figures(hours, log, case)


def run(actors: Actors, hours: Sequence[SimulatedHour], start: Position, progress: Progress | None = None) -> None:
    """Carry out the hours that a replay of this deployment and these days has not finished yet."""
    position = actors.log.position()
    if position is None or (position.deployment, position.days) != (start.deployment, start.days):
        actors.log.restart()
        actors.store.forget()
        position = start
    samples = sampled_hours(hours)
    for number, hour in enumerate(hours, 1):
        if position.hour is not None and hour.at <= position.hour:
            continue
        position = _carry_out(actors, hour, position, sample=hour.at in samples)
        actors.log.save_position(position)
        if progress is not None:
            progress(number, len(hours), f"{hour.at:%Y-%m-%d %H}:00, {len(hour.items)} {actors.case.subject.many}")


def _carry_out(actors: Actors, hour: SimulatedHour, position: Position, sample: bool) -> Position:
    actors.clock.set(hour.at)
    if hour.reports:
        actors.bento.report(hour.at, [event_of(report, position.deployment, actors.case) for report in hour.reports])
    if not hour.items:
        return replace(position, hour=hour.at)
    actors.store.write_known(position.features_until, hour.at)
    answer = actors.bento.predict(hour.at, hour.items)
    answered = answer.content["deployment"]
    if answered != position.deployment:
        raise Conflict("deployment in this replay", answered, f"Start the bento of {position.deployment} again.")
    actors.log.add_batch(Batch(hour.at, answer.failures, answer.latency_ms))
    if sample:
        names = [str(item[actors.case.subject.column]) for item in hour.items]
        actors.log.add_online(hour.at, names, actors.store.read(hour.items, hour.at))
    return replace(position, hour=hour.at, features_until=hour.at)


def event_of(report: OutcomeReport, deployment: str, case: UseCase) -> dict[str, Any]:
    """Return a report as the feedback API takes it."""
    event = {
        **address_of(prediction_id_for(deployment, report.subject, report.predicted_at), report, case),
        "kind": report.kind or case.label.feedback,
        "value": report.value,
        "source": report.source,
        "revision": report.revision,
        "occurred_at": report.occurred_at.isoformat(),
        "item": report.item,
    }
    return {name: value for name, value in event.items() if value != ""}


def sampled_hours(hours: Sequence[SimulatedHour]) -> set[datetime]:
    """Return the hour of the largest batch of each day: there online features are kept for the comparison."""
    largest: dict[Any, SimulatedHour] = {}
    for hour in hours:
        day = hour.at.date()
        if hour.items and (day not in largest or len(hour.items) > len(largest[day].items)):
            largest[day] = hour
    return {hour.at for hour in largest.values()}


def wait_until_drained(platform: Platform, deployment: str, expected: int) -> None:
    """Wait until the bento has moved every prediction from its spool into the log.

    Raises:
        Unavailable: predictions are still missing after `DRAINED_WITHIN_S` seconds.
    """
    deadline = time.monotonic() + DRAINED_WITHIN_S
    while (found := platform.feedback.count_predictions([deployment])[deployment]) < expected:
        if time.monotonic() > deadline:
            raise Unavailable(
                "The prediction log",
                f"it holds {found} of {expected} predictions",
                "Keep the bento running: it drains.",
            )
        time.sleep(0.2)


def figures(hours: Sequence[SimulatedHour], log: ReplayLog, case: UseCase) -> dict[str, Any]:
    """Return what was replayed: days, hours, subjects, what became of their outcomes, and how batches were answered."""
    asked = sum(len(hour.items) for hour in hours)
    reports = [report for hour in hours for report in hour.reports]
    outcomes = [report for report in reports if not report.kind]
    known = {report.subject for report in outcomes}
    others = Counter(report.kind for report in reports if report.kind)
    fates = Counter(fate_of(name) for name in known)
    batches = log.batches()
    latencies = [batch.latency_ms for batch in batches]
    return {
        "hours": len(hours),
        "batches": len(batches),
        "failed_attempts": sum(batch.failures for batch in batches),
        case.subject.many: asked,
        "outcome_reports": len(outcomes),
        "outcomes_by_key": len({report.subject for report in outcomes if report.is_by_key}),
        "outcomes_late": fates[Fate.DELAYED],
        "outcomes_twice": fates[Fate.TWICE],
        "outcomes_corrected": fates[Fate.CORRECTED],
        "outcomes_never": asked - len(known),
        **{f"{kind}_reports": count for kind, count in sorted(others.items())},
        "latency_p50_ms": float(np.quantile(latencies, 0.5)) if latencies else None,
        "latency_p99_ms": float(np.quantile(latencies, 0.99)) if latencies else None,
    }


def _replayed(live: Live, case: UseCase, days: Sequence[date]) -> pl.DataFrame:
    return live.rows.filter(pl.col(case.time.day).is_in(days))


def _start(deployment: str, days: Sequence[date]) -> Position:
    return Position(deployment, tuple(day.isoformat() for day in days), None, None)


def _require_replay(settings: Settings) -> None:
    if not settings.replay:
        raise Misconfigured("replay", "event time follows the system here", "Set HANDRAIL_REPLAY=1, in the bento too.")
