"""The difference between two versions at each look.

A look is the end of a day (UTC) on which something was added, so that the looks depend on nobody's patience: who asks
each morning and who asks once read the same looks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from handrail.feedback.domain.comparison_plan import Unit
from handrail.feedback.domain.observations import Observed
from handrail.statistics import Arm, Difference, arm_of_values, difference_of_means, difference_of_proportions


def paired_looks(one: Observed, other: Observed, unit: Unit) -> list[Difference]:
    """Return what the second gains on the cases that both answered, rows in equal places, at each look."""
    both = ~np.isnan(one.value) & ~np.isnan(other.value)
    one, other = one.part(both), other.part(both)
    later = replace(other, value=other.value - one.value, made_at=np.maximum(one.made_at, other.made_at))
    gain, codes = _by_time(later, unit)
    found = []
    for upto in _ends(gain):
        arm = arm_of_values(gain.value[:upto], codes[:upto], gain.weight[:upto])
        found.append(Difference(arm.mean, arm.variance, arm.subjects))
    return found


def split_looks(one: Observed, other: Observed, unit: Unit) -> list[Difference]:
    """Return the difference of two arms of separate units at each look, from the first that has both on."""
    (one, ones), (other, others) = (_by_time(each.known, unit) for each in (one, other))
    single = all(_is_plain(each, codes) for each, codes in ((one, ones), (other, others)))
    found = []
    for day in np.union1d(one.day, other.day):
        upto, until = (int(np.searchsorted(each.day, day, side="right")) for each in (one, other))
        if not upto or not until:
            continue
        if single:
            counts = (_successes(one, upto), _successes(other, until))
            found.append(difference_of_proportions(*counts))
        else:
            found.append(difference_of_means(_arm_at(one, ones, upto), _arm_at(other, others, until)))
    return found


def _by_time(observed: Observed, unit: Unit) -> tuple[Observed, np.ndarray]:
    """Return the rows ordered by when they were made, and the code of each one's unit."""
    ordered = observed.part(np.argsort(observed.made_at, kind="stable"))
    units = ordered.day if unit == "day" else ordered.subject
    return ordered, np.unique(units, return_inverse=True)[1]


def _ends(ordered: Observed) -> np.ndarray:
    """Return how many rows there are by the end of each day."""
    days = ordered.day
    return np.searchsorted(days, np.unique(days), side="right")


def _is_plain(observed: Observed, codes: np.ndarray) -> bool:
    """Whether these are zeros and ones of equal weight, one a unit: then proportions are compared."""
    equal = len(np.unique(observed.weight)) <= 1
    return equal and len(np.unique(codes)) == len(codes) and bool(np.isin(observed.value, (0.0, 1.0)).all())


def _successes(observed: Observed, upto: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array(observed.value[:upto].sum()), np.array(float(upto))


def _arm_at(observed: Observed, codes: np.ndarray, upto: int) -> Arm:
    return arm_of_values(observed.value[:upto], codes[:upto], observed.weight[:upto])
