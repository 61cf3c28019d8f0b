"""Takes back a champion that got worse soon after it was deployed: the one before it serves again, if it still may.

Only the pointer of the slot moves: the running service follows it, and refuses bytes without a permit. The alias at
the gate stays where it is until people decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.steps.monitoring.month import read_month
from flows.steps.release.deploy import bentos_of, slot_of
from flows.steps.release.rollout_rules import read_rollout
from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import lend_carried, open_deployments
from handrail.delivery import Deployments, find_carried
from handrail.errors import HandrailError, Unavailable
from handrail.lineage import Period
from handrail.refs import Deployment
from handrail.use_case import read_use_case

BY = "handrail monitor"
KIND = "performance"


@dataclass(frozen=True, slots=True)
class Regression:
    """A deployment that monitoring alerted on soon after it began to serve, the one before it, and why."""

    deployment: str
    before: str
    because: str


def find_regression(
    record: Mapping[str, Any], periods: Sequence[Period], month_ends: datetime, within: timedelta
) -> Regression | None:
    """Return what has to be taken back because of a month's record, None if nothing has.

    `periods` are those of the slot's pointer, the oldest first. Nothing goes back to a deployment that was taken back
    itself: what serves again now has nothing before its own first period.
    """
    targets = [each for each in periods if each.target is not None]
    if not targets or targets[-1].target != record["deployment"]:
        return None
    now = str(record["deployment"])
    first = next(place for place, each in enumerate(targets) if each.target == now)
    alerts = [each for each in record["findings"] if (each["kind"], each["state"]) == (KIND, "alert")]
    if first == 0 or not alerts or month_ends - targets[first].since > within:
        return None
    found = alerts[0]
    because = f"{found['month']}: {found['figure']} is {found['value']}, beyond the limit {found['limit']}"
    return Regression(now, str(targets[first - 1].target), because)


def take_back(regression: Regression, deployments: Deployments, pointer: str, require: Callable[[str], None]) -> str:
    """Point the slot at the deployment before; return a sentence. Safe to repeat.

    Raises:
        HandrailError: `require` does, because the one before may not serve or is gone; the slot stays as it is.
    """
    require(regression.before)
    environment, service, version = regression.before.removeprefix("deploy://").split("/")
    deployments.point(pointer, Deployment(environment, service, version))
    return f"{regression.deployment} was taken back, {regression.before} serves again. {regression.because}."


def answer_regression(platform: Platform, record: Mapping[str, Any]) -> str:
    """Take back the champion if a month's record asks for it; return a sentence, empty if there is nothing to say.

    In a replay nothing is taken back: what serves now did not answer the months that are judged.
    """
    settings = platform.settings
    if settings.replay or not record.get("deployment"):
        return ""
    slot, case = slot_of(settings), read_use_case(settings.project)
    within = timedelta(days=read_rollout(settings.project / "config").champion.taken_back_within_days)
    ends = min(read_month(record["month"], case.time.zone).end, platform.event_clock())
    found = find_regression(record, platform.lineage.timeline(slot.pointer), ends, within)
    if found is None:
        return ""

    def require(deployment: str) -> None:
        bento = bentos_of(settings).find(slot.tag_of(deployment).version)
        carried = find_carried(bento.root) if bento else None
        if carried is None:
            raise Unavailable(f"The bento of {deployment}", "it is not in the local store", "Deploy that model again.")
        with lend_carried(settings, carried):
            pass

    try:
        return take_back(found, open_deployments(platform, BY), slot.pointer, require)
    except HandrailError as err:
        return f"{found.deployment} got worse ({found.because}), and nothing was taken back. {err}"
