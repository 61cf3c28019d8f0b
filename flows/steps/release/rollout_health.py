"""Whether a challenger fails or is late more often than it may, from the counts by the minute that services keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce

from flows.steps.release.rollout_rules import HealthRule
from handrail.delivery import BOUNDS_S, CHAMPION, Challenger, HealthBin, HealthRecords, Load
from handrail.statistics import rate_evidence

SURELY = math.log(2 / 0.05)
"""Both limits together are said to be broken wrongly in 5 % of rollouts at most, over all looks."""
MINUTE = timedelta(minutes=1)
SPREAD = 3.0
"""So many standard deviations above what was seen of the champion it may still be by chance."""


def counted_since(records: HealthRecords, pointer: str, since: datetime, now: datetime) -> Sequence[HealthBin]:
    """Return what was counted of a service's slots after a moment; the minute in which that was does not count.

    Raises:
        Unavailable: the counts cannot be read.
    """
    start = since.replace(second=0, microsecond=0) + MINUTE
    if now <= start:
        return ()
    return [each for each in records.read(start, now, MINUTE) if each.pointer == pointer]


def broken_limit(bins: Sequence[HealthBin], challenger: Challenger, rule: HealthRule) -> str | None:
    """Return a sentence on the limit that a challenger surely breaks, None if it keeps both.

    The champion is the control: what it fails in as often, such as a store that is away, ends no challenger.
    """
    mine = _load(bins, challenger.name, challenger.deployment)
    champion = _load(bins, CHAMPION)
    failed = (mine.errors, mine.asked), (champion.errors, champion.asked)
    late = [(_slower(load, rule.seconds), sum(load.latencies)) for load in (mine, champion)]
    return _judged(challenger.name, "failed in", rule.errors, *failed) or _judged(
        challenger.name, f"took longer than {rule.seconds:g} s in", rule.slower, *late
    )


def _judged(name: str, does: str, limit: float, mine: tuple[int, int], champion: tuple[int, int]) -> str | None:
    allowed = max(limit, _at_most(*champion))
    if allowed >= 1 or rate_evidence(*mine, allowed) < SURELY:
        return None
    return (
        f"{name} {does} {mine[0]:,} of {mine[1]:,} requests since it has its share; a share of {limit:g} is allowed, "
        f"and the champion did so in {champion[0]:,} of {champion[1]:,}."
    )


def _at_most(events: int, trials: int) -> float:
    """Return a share that what was seen hardly exceeds; 0 where nothing was seen to go wrong."""
    if not events:
        return 0.0
    share = events / trials
    return min(share + SPREAD * math.sqrt(share * (1 - share) / trials) + SPREAD / trials, 1.0)


def _load(bins: Sequence[HealthBin], name: str, deployment: str | None = None) -> Load:
    loads = (each.load for each in bins if each.name == name and deployment in (None, each.deployment))
    return reduce(Load.__add__, loads, Load())


def _slower(load: Load, seconds: float) -> int:
    return sum(load.latencies[BOUNDS_S.index(seconds) + 1 :])
