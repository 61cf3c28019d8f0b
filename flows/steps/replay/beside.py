"""Plays the days that a replay kept for a rollout: over HTTP, hour by simulated hour, whoever is beside the champion.

Outcomes name the subject, so they are about whoever answered. A part of the days is played, then time goes on until
its outcomes are mature. It may be stopped anywhere: the next call goes on after the last hour that was finished.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.data.live import open_live
from flows.steps.replay.bento import BentoClient
from flows.steps.replay.log import Batch, Position, ReplayLog
from flows.steps.replay.plan import HOUR, SimulatedHour, timeline
from flows.steps.replay.run import DRAINED_WITHIN_S, Progress, event_of
from flows.steps.replay.truth import OutcomeReport
from handrail.bootstrap import Platform
from handrail.clock import EventClock
from handrail.errors import Conflict, Unavailable, UnknownReference
from handrail.feedback import FeedbackLog
from handrail.http import serving_token
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from flows.steps.replay.features import FeastOnline

POLL_S = 0.2
ANSWERS_WITHIN_S = 60.0


@dataclass(frozen=True)
class KeptDays:
    """The kept days of one deployment, and everything that playing them drives."""

    case: UseCase
    deployment: str
    rows: pl.DataFrame
    clock: EventClock
    feedback: FeedbackLog
    store: FeastOnline
    bento: BentoClient
    log: ReplayLog
    written_until: datetime | None
    """Up to when the online store was filled before the first kept day."""

    def hours(self, days: Sequence[date]) -> list[SimulatedHour]:
        """Return what happens on those days and until their outcomes are mature, in order."""
        rows = self.rows.filter(pl.col(self.case.time.day).is_in(days))
        found = timeline(rows, self.case, outcomes_only=True)
        asked = [hour.at for hour in found if hour.items]
        if not asked:
            return []
        end = asked[-1] + self.feedback.kind(self.case.label.feedback).maturity_window + HOUR
        found = [hour for hour in found if hour.at <= end]
        return found if found[-1].at == end else [*found, SimulatedHour(end, (), ())]

    def play(self, days: Sequence[date], progress: Progress | None = None) -> int:
        """Play those days and what follows them; return how many subjects were asked about on them.

        Raises:
            Unavailable: the bento did not take an hour; run it again to go on from there.
            Conflict: another deployment answers by now.
        """
        hours, last = self.hours(days), ""
        position = self.log.position() or Position(self.deployment, (), None, self.written_until)
        for number, hour in enumerate(hours, 1):
            if position.hour is not None and hour.at <= position.hour:
                continue
            position, answered = self._carry_out(hour, position)
            self.log.save_position(position)
            last = answered or last
            if progress is not None:
                progress(number, len(hours), f"{hour.at:%Y-%m-%d %H}:00, {len(hour.items)} {self.case.subject.many}")
        if last:
            self._await_recorded(last)
        return sum(len(hour.items) for hour in hours)

    def is_played(self, days: Sequence[date]) -> bool:
        """Say whether those days were played to their end."""
        hours, position = self.hours(days), self.log.position()
        return not hours or (position is not None and position.hour is not None and hours[-1].at <= position.hour)

    def await_answers_of(self, name: str, days: Sequence[date], who: Callable[[str], str]) -> None:
        """Ask about one subject until the challenger `name` answers it; `who` says to whom a subject is assigned.

        It is one of those that are asked about on the first of the days, asked an hour before.

        Raises:
            Unavailable: it does not answer in time.
        """
        hours = [hour for hour in self.hours(days) if hour.items]
        column = self.case.subject.column
        mine = [item for hour in hours for item in hour.items if who(str(item[column])) == name]
        if not mine:
            return
        before, deadline = hours[0].at - HOUR, time.monotonic() + ANSWERS_WITHIN_S
        self.clock.set(before)
        while time.monotonic() < deadline:
            if self.bento.predict(before, mine[:1]).content["predictions"][0].get("slot") == name:
                return
            time.sleep(POLL_S)
        raise Unavailable(f"The challenger {name}", "it does not answer", "See the log of the bento.")

    def _carry_out(self, hour: SimulatedHour, position: Position) -> tuple[Position, str]:
        """Let one hour happen; return the new position, and the last prediction that was answered."""
        self.clock.set(hour.at)
        if hour.reports:
            self.bento.report(hour.at, [self._event(report) for report in hour.reports])
        if not hour.items:
            return replace(position, hour=hour.at), ""
        self.store.write_known(position.features_until, hour.at)
        answer = self.bento.predict(hour.at, hour.items)
        answered = answer.content["deployment"]
        if answered != self.deployment:
            raise Conflict("deployment in this rollout", answered, f"Start the bento of {self.deployment} again.")
        self.log.add_batch(Batch(hour.at, answer.failures, answer.latency_ms))
        last = str(answer.content["predictions"][-1]["prediction_id"])
        return replace(position, hour=hour.at, features_until=hour.at), last

    def _event(self, report: OutcomeReport) -> dict[str, Any]:
        """Return an outcome that names the subject, whoever answered it."""
        about = {"subject": report.subject}
        event = event_of(report, self.deployment, self.case)
        return {name: value for name, value in event.items() if name not in ("prediction_id", "service")} | about

    def _await_recorded(self, prediction_id: str) -> None:
        deadline = time.monotonic() + DRAINED_WITHIN_S
        while time.monotonic() < deadline:
            try:
                self.feedback.find_prediction(prediction_id)
            except UnknownReference:
                time.sleep(POLL_S)
            else:
                return
        raise Unavailable("The prediction log", f"it lacks {prediction_id}", "Keep the bento running: it drains.")


@contextmanager
def open_kept_days(platform: Platform, deployment: str, days: Sequence[date]) -> Iterator[KeptDays]:
    """Open the kept days of a deployment that the running bento serves."""
    from flows.steps.replay.features import FeastOnline

    settings = platform.settings
    case, live = read_use_case(settings.project), open_live(settings)
    before = ReplayLog(settings.home / "replay").position()
    with BentoClient(settings.url("bento"), serving_token(settings), case.subject.many) as bento:
        yield KeptDays(
            case=case,
            deployment=deployment,
            rows=live.rows.filter(pl.col(case.time.day).is_in(days)),
            clock=platform.event_clock,
            feedback=platform.feedback,
            store=FeastOnline(settings, live.features),
            bento=bento,
            log=ReplayLog(settings.home / "rollout" / deployment.rpartition("/")[2]),
            written_until=before.features_until if before else None,
        )
