"""Replays August to December against the running bento: whole days over HTTP, hour by simulated hour.

A replay keeps its position after each hour. Everything it sends is named by what it is, so the next run continues from
there, sends the hour it was stopped in once more, and ends with the same figures.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.steps.release.deploy import slot_of
from flows.steps.replay.bento import BentoClient
from flows.steps.replay.log import Batch, Position, ReplayLog
from flows.steps.replay.plan import DEFAULT_DAYS, SimulatedHour, replayed_days, timeline
from flows.steps.replay.truth import KIND, SOURCE, Fate, OutcomeReport, fate_of
from flows.steps.replay.world import World, open_world
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import open_deployments
from handrail.clock import EventClock
from handrail.errors import Conflict, Misconfigured, Unavailable
from handrail.feedback import prediction_id_for
from handrail.http import serving_token
from handrail.settings import Settings

if TYPE_CHECKING:
    from flows.steps.replay.features import FeastOnline

DRAINED_WITHIN_S = 60.0
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Actors:
    """Everything that a replay drives."""

    clock: EventClock
    store: FeastOnline
    bento: BentoClient
    log: ReplayLog


def replay(settings: Settings, days: int = DEFAULT_DAYS, progress: Progress | None = None) -> dict[str, Any]:
    """Replay `days` whole days against the running bento; return the figures. Safe to stop and to repeat.

    It is the replay of what the environment serves now; one that was finished for an earlier deployment is described by
    `finished_figures`.

    Raises:
        Unavailable: the bento did not take an hour, after several attempts; run it again to continue from that hour.
        Misconfigured: event time follows the system here.
    """
    from flows.steps.replay.features import FeastOnline

    _require_replay(settings)
    world = open_world(settings)
    live = _replayed(world, days)
    hours = timeline(live)
    log = ReplayLog(settings.home / "replay")
    client = BentoClient(settings.url("bento"), serving_token(settings))
    with open_platform(settings) as platform, client as bento:
        deployment = serving_deployment(platform)
        store = FeastOnline(settings, world.features)
        run(Actors(platform.event_clock, store, bento, log), hours, _start(deployment, days), progress)
        wait_until_drained(platform, deployment, live.height)
    return figures(hours, log)


def finished_figures(settings: Settings, deployment: str, days: int = DEFAULT_DAYS) -> dict[str, Any] | None:
    """Return the figures of a replay of `deployment` that was carried out to its end, None if there is none."""
    hours = timeline(_replayed(open_world(settings), days))
    log = ReplayLog(settings.home / "replay")
    position = log.position()
    if position is None or replace(position, features_until=None) != replace(
        _start(deployment, days), hour=hours[-1].at
    ):
        return None
    return figures(hours, log)


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
            progress(number, len(hours), f"{hour.at:%Y-%m-%d %H}:00, {len(hour.flights)} flights")


def _carry_out(actors: Actors, hour: SimulatedHour, position: Position, sample: bool) -> Position:
    actors.clock.set(hour.at)
    if hour.reports:
        actors.bento.report(hour.at, [event_of(report, position.deployment) for report in hour.reports])
    if not hour.flights:
        return replace(position, hour=hour.at)
    actors.store.write_known(position.features_until, hour.at)
    answer = actors.bento.predict(hour.at, hour.flights)
    answered = answer.content["deployment"]
    if answered != position.deployment:
        raise Conflict("deployment in this replay", answered, f"Start the bento of {position.deployment} again.")
    actors.log.add_batch(Batch(hour.at, len(hour.flights), answer.failures, answer.latency_ms))
    if sample:
        names = [flight["flight_id"] for flight in hour.flights]
        actors.log.add_online(hour.at, names, actors.store.read(hour.flights, hour.at))
    return replace(position, hour=hour.at, features_until=hour.at)


def event_of(report: OutcomeReport, deployment: str) -> dict[str, Any]:
    """Return an outcome as the feedback API takes it."""
    return {
        "prediction_id": prediction_id_for(deployment, report.flight_id, report.predicted_at),
        "kind": KIND,
        "value": float(report.late),
        "source": SOURCE,
        "revision": report.revision,
        "occurred_at": report.occurred_at.isoformat(),
    }


def sampled_hours(hours: Sequence[SimulatedHour]) -> set[datetime]:
    """Return the hour of the largest batch of each day: there online features are kept for the comparison."""
    largest: dict[Any, SimulatedHour] = {}
    for hour in hours:
        day = hour.at.date()
        if hour.flights and (day not in largest or len(hour.flights) > len(largest[day].flights)):
            largest[day] = hour
    return {hour.at for hour in largest.values()}


def serving_deployment(platform: Platform) -> str:
    """Return the URI of the deployment that this environment serves now.

    Raises:
        Unavailable: nothing was deployed yet.
    """
    target = open_deployments(platform).target(slot_of(platform.settings).pointer)
    if target is None:
        raise Unavailable("This environment", "nothing is deployed in it", "Deploy a permitted model first.")
    return target


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


def figures(hours: Sequence[SimulatedHour], log: ReplayLog) -> dict[str, Any]:
    """Return what was replayed: days, hours, flights, what became of their outcomes, and how batches were answered."""
    flights = [flight["flight_id"] for hour in hours for flight in hour.flights]
    reports = [report for hour in hours for report in hour.reports]
    fates = Counter(fate_of(name) for name in {report.flight_id for report in reports})
    batches = log.batches()
    latencies = [batch.latency_ms for batch in batches]
    return {
        "hours": len(hours),
        "batches": len(batches),
        "failed_attempts": sum(batch.failures for batch in batches),
        "flights": len(flights),
        "outcome_reports": len(reports),
        "outcomes_late": fates[Fate.LATE],
        "outcomes_twice": fates[Fate.TWICE],
        "outcomes_corrected": fates[Fate.CORRECTED],
        "outcomes_never": len(flights) - len({report.flight_id for report in reports}),
        "latency_p50_ms": float(np.quantile(latencies, 0.5)) if latencies else None,
        "latency_p99_ms": float(np.quantile(latencies, 0.99)) if latencies else None,
    }


def _replayed(world: World, days: int) -> pl.DataFrame:
    return world.flights.filter(pl.col("local_day").is_in(replayed_days(days)))


def _start(deployment: str, days: int) -> Position:
    return Position(deployment, tuple(day.isoformat() for day in replayed_days(days)), None, None)


def _require_replay(settings: Settings) -> None:
    if not settings.replay:
        raise Misconfigured("replay", "event time follows the system here", "Set HANDRAIL_REPLAY=1, in the bento too.")
