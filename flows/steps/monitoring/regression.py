"""Takes back a champion that got worse soon after it was deployed: the one before it serves again, if it still may.

Only the pointer of the slot moves: the running service follows it, and refuses bytes without a permit. The alias at
the gate stays where it is until people decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.steps.monitoring.month import read_month
from flows.steps.release.deploy import slot_of
from flows.steps.release.rollout_rules import read_rollout
from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_swapper
from handrail.delivery import Move, Swapper
from handrail.errors import HandrailError
from handrail.use_case import read_use_case

BY = "handrail monitor"
KIND = "performance"


def regression_of(
    record: Mapping[str, Any], moves: Sequence[Move], month_ends: datetime, within: timedelta
) -> str | None:
    """Return why the deployment of now has to be taken back because of a month's record, None if it has not.

    `moves` are those of the slot's pointer, the oldest first. A deployment is judged by months of which it served a
    part: not by one that had ended when somebody deployed it, knowing what monitoring said. What serves again after
    another was taken back is not taken back itself.
    """
    now = moves[-1] if moves else None
    if now is None or now.target is None or now.target != record["deployment"] or now.is_rollback:
        return None
    alerts = [each for each in record["findings"] if (each["kind"], each["state"]) == (KIND, "alert")]
    if not alerts or not now.at < month_ends <= now.at + within:
        return None
    found = alerts[0]
    return f"{found['month']}: {found['figure']} is {found['value']}, beyond the limit {found['limit']}"


def answer_regression(platform: Platform, record: Mapping[str, Any]) -> str:
    """Take back the champion if a month's record asks for it; return a sentence, empty if there is nothing to say.

    In a replay nothing is taken back: what serves now did not answer the months that are judged.
    """
    settings = platform.settings
    if settings.replay or not record.get("deployment"):
        return ""
    case = read_use_case(settings.project)
    within = timedelta(days=read_rollout(settings.project / "config").champion.taken_back_within_days)
    ends = min(read_month(record["month"], case.time.zone).end, platform.event_clock())
    swapper = open_swapper(platform, slot_of(settings).bento)
    because = regression_of(record, swapper.moves(), ends, within)
    return take_back(swapper, because) if because else ""


def take_back(swapper: Swapper, because: str) -> str:
    """Go back to the last deployment before that may serve, and record why; return a sentence, also of a failure."""
    try:
        swap = swapper.roll_back(BY, because)
    except HandrailError as err:
        return f"{swapper.moves()[-1].target} got worse ({because}), and nothing was taken back. {err}"
    return f"{swap.deployment} was taken back, {swap.other} serves again. {because}."
