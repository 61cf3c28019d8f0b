"""Which version answers about a subject in a comparison: always the same one, without a table of who got what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.errors import InvalidInput
from handrail.shares import place_of

SUMS_TO_ONE = 1e-9


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a subject was assigned to, and how likely that was: `variant` and `propensity` of its predictions."""

    variant: str
    propensity: float


def assign(subject: str, shares: Mapping[str, float], salt: str) -> Assignment:
    """Assign a subject to a variant, the same one each time and on every machine.

    Record both fields with each prediction. `salt` is the name of the comparison: another one assigns anew, and
    independently. The shares may be in any order; where the first variant by name grows, nobody leaves it.

    Args:
        subject: what the prediction is about, as its `subject`.
        shares: the share of subjects of each variant, together 1; one with the share 0 gets none.
        salt: what two comparisons at a time do not share.

    Raises:
        InvalidInput: shares are negative or do not sum to 1, a variant has no name, or the salt is empty.
    """
    shared = sorted(shares.items())
    if not all(name and share >= 0 for name, share in shared) or not _is_one(sum(share for _, share in shared)):
        problem = f"{dict(shares)!r} does not give names shares that sum to 1"
        raise InvalidInput("shares", problem, "Write them as {'champion': 0.5, 'challenger': 0.5}.")
    if not salt:
        raise InvalidInput("salt", "it is empty", "Give the name of this comparison.")
    drawn, below = place_of(subject, salt), 0.0
    taken = [(name, share) for name, share in shared if share]
    for name, share in taken:
        below += share
        if drawn < below:
            return Assignment(name, share)
    # What rounding leaves at the upper end belongs to the last one.
    return Assignment(*taken[-1])


def _is_one(total: float) -> bool:
    return math.isclose(total, 1, abs_tol=SUMS_TO_ONE)
