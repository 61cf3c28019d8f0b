"""What decisions come to for whoever acts on them; each function takes (draws, clusters) weights and returns (draws,).

They need `predicted`, the label that was decided for each subject, and look at one class by its code.
"""

from __future__ import annotations

import numpy as np

from handrail.statistics.scored import Scored


def found_share(scored: Scored, weights: np.ndarray, code: int = 1) -> np.ndarray:
    """Return of the subjects of a class the share that was called so (recall); NaN where none was drawn."""
    return _share(scored, (scored.label == code) & (_decided(scored) == code), scored.label == code, weights)


def right_share(scored: Scored, weights: np.ndarray, code: int = 1) -> np.ndarray:
    """Return of the calls of a class the share that was right (precision); NaN where there was no call."""
    called = _decided(scored) == code
    return _share(scored, (scored.label == code) & called, called, weights)


def called_share(scored: Scored, weights: np.ndarray, code: int = 1) -> np.ndarray:
    """Return of all subjects the share that was called so."""
    return _share(scored, _decided(scored) == code, np.ones(len(scored.label), dtype=bool), weights)


def f1(scored: Scored, weights: np.ndarray, code: int = 1) -> np.ndarray:
    """Return the harmonic mean of both for a class; NaN where it was neither drawn nor called."""
    called, there = _decided(scored) == code, scored.label == code
    right = weights @ scored.summed(there & called)
    either = weights @ (scored.summed(there) + scored.summed(called))
    share: np.ndarray = np.divide(2 * right, either, out=np.full(len(weights), np.nan), where=either > 0)
    return share


def _decided(scored: Scored) -> np.ndarray:
    if scored.predicted is None:
        raise ValueError("Shares of decisions need the decided label of each subject.")
    return scored.predicted


def _share(scored: Scored, some: np.ndarray, of: np.ndarray, weights: np.ndarray) -> np.ndarray:
    part, whole = weights @ scored.summed(some), weights @ scored.summed(of)
    share: np.ndarray = np.divide(part, whole, out=np.full(len(weights), np.nan), where=whole > 0)
    return share
