"""Exact sums of amounts of money, however far apart they are."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, Inexact, localcontext

DIGITS = 700
"""From the largest double (10^308) to the smallest (10^-324) are 633 digits; the others are for very many summands."""


def add_exactly(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of decimals that are doubles or sums of doubles; nothing is rounded, in any order."""
    with localcontext() as context:
        context.prec = DIGITS
        # Beyond these digits an error is right, and a rounded sum is not.
        context.traps[Inexact] = True
        return sum(amounts, Decimal(0))
