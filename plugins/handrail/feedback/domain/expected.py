"""What a figure will probably be before labels come, and how well the same estimate did where some are there.

NumPy is imported where it is needed: recording feedback does without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail.feedback.domain.cohorts import Cohort

if TYPE_CHECKING:
    import numpy as np

    from handrail.statistics import Scored

FEWEST = 100
"""From fewer mature, labelled predictions nothing is learned about what a score means."""
NEWEST = 4
"""One of so many mature predictions, the newest, shows how well an estimate from the others did."""
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Hindsight:
    """An estimate for predictions whose labels are there, made without them, beside what the labels gave."""

    estimated: float
    low: float
    high: float
    realised: float
    predictions: int

    @property
    def held(self) -> bool:
        """Whether the realised figure lies in the interval of the estimate."""
        return self.low <= self.realised <= self.high


@dataclass(frozen=True, slots=True)
class Expected:
    """A figure of one deployment's predictions that are not mature yet, estimated from what its scores meant before.

    `predictions` were answered and wait for labels, `learned_from` are mature and have one. It holds as long as a score
    means what it meant; `hindsight` says whether it did among the newest mature ones.
    """

    metric: str
    deployment: str
    value: float
    low: float
    high: float
    predictions: int
    learned_from: int
    hindsight: Hindsight


def expected_of(cohort: Cohort, metric: str, draws: int = DRAWS) -> Expected | None:
    """Estimate a figure of the immature rows of one deployment's cohort; None where that cannot be.

    That is so for a metric that needs more than labels 0 and 1 and a score, without immature rows, or with fewer than
    `FEWEST` judged ones or only one class among them.
    """
    from handrail.statistics import ESTIMATED, Intervals, compare_in_hindsight, estimate_performance

    judged, young = cohort.judged(), cohort.keep([not mature for mature in cohort.mature])
    cut = len(judged) - len(judged) // NEWEST
    earlier, newest = (judged.keep([(row < cut) is first for row in range(len(judged))]) for first in (True, False))
    known = metric in {each.name for each in ESTIMATED}
    if not known or not len(young) or len(judged) < FEWEST or not all(map(_has_both, (earlier, newest))):
        return None
    intervals = Intervals(draws, 0)
    now = estimate_performance(_scored(judged), *_answers(young), intervals)[metric]
    before = estimate_performance(_scored(earlier), *_answers(newest), intervals)
    seen = compare_in_hindsight({metric: before[metric]}, _scored(newest))[metric]
    then = seen.estimated
    hindsight = Hindsight(then.value, then.low, then.high, seen.realised, len(newest))
    about = (cohort.deployment[0], now.value, now.low, now.high, len(young), len(judged))
    return Expected(metric, *about, hindsight)


def _has_both(judged: Cohort) -> bool:
    return set(judged.label) == {0.0, 1.0}


def _answers(cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    return np.array(cohort.score), np.array(cohort.predicted)


def _scored(judged: Cohort) -> Scored:
    """Return judged rows clustered by days in UTC, which share their outcomes."""
    import numpy as np

    from handrail.statistics import Scored

    days = np.array([at.toordinal() for at in judged.made_at])
    label = np.array(judged.label, dtype=np.int64)
    cluster = np.unique(days, return_inverse=True)[1].ravel()
    return Scored(np.array(judged.score), label, cluster, np.array(judged.predicted))
