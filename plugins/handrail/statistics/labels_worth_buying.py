"""Which predictions a person should label, so that the interval of the mean gets short: draws with known probability.

Predictions are drawn in proportion to how uncertain they are (Zrnic, Candès 2024), mixed with a uniform draw, so that
none has a propensity of 0. `prediction_powered_mean` corrects for the choice afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from handrail.errors import InvalidInput

UNIFORM = 0.2
"""This share of the budget is drawn evenly: it bounds the weights where a model is sure and wrong."""


def label_uncertainty(probability: np.ndarray) -> np.ndarray:
    """Return the standard deviation of an outcome of 0 or 1 with each probability, (n,): 0.5 at most."""
    probability = np.asarray(probability, dtype=np.float64)
    return np.sqrt(np.clip(probability * (1 - probability), 0.0, None))


def labelling_propensity(uncertainty: np.ndarray, budget: float, uniform: float = UNIFORM) -> np.ndarray:
    """Return with which probability to label each prediction, (n,), with the sum `budget`.

    `uncertainty` (n,) is the expected size of label minus prediction, as `label_uncertainty` gives it. What would be
    above 1 is labelled for certain, and the rest of the budget goes to the others.

    Raises:
        InvalidInput: an uncertainty is negative or not finite, the budget is not above 0 and at most n, or `uniform`
            is not above 0 and at most 1.
    """
    uncertainty = np.asarray(uncertainty, dtype=np.float64)
    if not (np.isfinite(uncertainty) & (uncertainty >= 0)).all():
        raise InvalidInput("uncertainty", "one is negative or not finite", "Use label_uncertainty of probabilities.")
    if not 0 < budget <= len(uncertainty):
        raise InvalidInput("budget", f"{budget:g} of {len(uncertainty)} predictions", "Use at most one a prediction.")
    if not 0 < uniform <= 1:
        raise InvalidInput("uniform", f"{uniform!r} is not above 0 and at most 1", f"Use {UNIFORM}.")
    even, total = np.full(len(uncertainty), 1 / len(uncertainty)), uncertainty.sum()
    share = uniform * even + (1 - uniform) * (uncertainty / total if total > 0 else even)
    certain = np.zeros(len(share), dtype=bool)
    propensity = budget * share
    while (propensity > 1).any():
        certain |= propensity >= 1
        rest = max(0.0, budget - np.count_nonzero(certain))
        propensity = np.where(certain, 1.0, share * rest / max(share[~certain].sum(), np.finfo(float).tiny))
    return propensity


def draw_for_labelling(prediction_ids: Sequence[str], propensity: np.ndarray, seed: str) -> np.ndarray:
    """Say which predictions are drawn, (n,) bool, each by itself with its propensity (n,).

    The same seed draws the same ids, in any order and beside any others, so that a queue can be made again.

    Raises:
        InvalidInput: the arrays differ in length.
    """
    if len(prediction_ids) != len(propensity):
        raise InvalidInput("propensity", "the arrays differ in length", "Pass one propensity a prediction.")
    chance = [
        int.from_bytes(hashlib.sha256(f"{seed}\n{one}".encode()).digest()[:8], "big") / 2**64 for one in prediction_ids
    ]
    return np.array(chance, dtype=np.float64) < propensity
