"""Whether arms got the shares of subjects that they should have: if not, nothing that is measured on them counts.

A sequential multinomial test (Lindon, Malek 2022): its p-value holds however often one looks.
"""

from __future__ import annotations

import math

import numpy as np

from handrail.errors import InvalidInput

CONCENTRATION = 1000.0
"""How near to the intended shares the prior expects the true ones: about 1.6 percentage points for two equal arms."""
BLOCKING_P = 0.001
"""Below it no verdict is given."""
_LOG_GAMMA = np.frompyfunc(math.lgamma, 1, 1)


def arm_ratio_p_value(subjects: np.ndarray, shares: np.ndarray, concentration: float = CONCENTRATION) -> np.ndarray:
    """Return the always valid p-value of a sample ratio mismatch at each look, (looks,); it never rises.

    `subjects` (looks, arms) counts assigned subjects so far, each once, whether or not their outcome is known;
    `shares` (arms,) is what each arm should get. The prior is a Dirichlet distribution of `concentration` times the
    shares.

    Raises:
        InvalidInput: shares are not positive numbers with the sum 1, counts are negative or fall, or arms differ.
    """
    subjects, shares = np.atleast_2d(np.asarray(subjects, dtype=np.float64)), np.asarray(shares, dtype=np.float64)
    if shares.ndim != 1 or not (shares > 0).all() or not math.isclose(shares.sum(), 1, abs_tol=1e-9):
        raise InvalidInput("shares", "they are not positive numbers with the sum 1", "Pass each arm's intended share.")
    if subjects.shape[1:] != shares.shape or (np.diff(subjects, axis=0, prepend=0) < 0).any():
        raise InvalidInput("subjects", "counts fall, or arms differ from the shares", "Pass counts so far, by arm.")
    prior = concentration * shares
    log = _log_gamma(prior + subjects).sum(axis=1) - _log_gamma(prior).sum()
    log -= _log_gamma(concentration + subjects.sum(axis=1)) - math.lgamma(concentration)
    log -= subjects @ np.log(shares)
    p_value: np.ndarray = np.minimum.accumulate(np.exp(np.minimum(-log, 0)))
    return p_value


def _log_gamma(values: np.ndarray) -> np.ndarray:
    return np.asarray(_LOG_GAMMA(values), dtype=np.float64)
