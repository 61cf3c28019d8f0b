"""Means from few labels and many predictions: the predictions narrow the interval, the labels keep it right.

PPI++ (Angelopoulos, Duchi, Zrnic 2023), and active statistical inference where labels were drawn with known
probabilities (Zrnic, Candès 2024). Wrong predictions cost width, never coverage; useless ones give the classical mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.normal import two_sided
from handrail.statistics.scored import Estimate


@dataclass(frozen=True, slots=True)
class PartlyLabelled:
    """Rows of which some have a label, arrays of (n,).

    `label` is NaN where there is none yet; `predicted` guesses it for all rows (of the share of right answers, the
    probability of being right); `cluster` groups rows that depend on each other (a subject), each alone if None.
    `propensity` is the probability with which each row was drawn for labelling; without it, rows with a label have to
    be a random part of all.
    """

    label: np.ndarray
    predicted: np.ndarray
    cluster: np.ndarray | None = None
    propensity: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Powered:
    """A mean or difference with its interval, beside `classical`, that of the labels alone.

    `lam` is how far predictions are trusted, 0 not at all (in a difference, the challenger's).
    """

    estimate: Estimate
    classical: Estimate
    lam: float
    labelled: int
    unlabelled: int

    @property
    def effective(self) -> float:
        """How many labels alone would give an interval of this width."""
        width, alone = (of.high - of.low for of in (self.estimate, self.classical))
        return self.labelled * (alone / width) ** 2 if width > 0 else float(self.labelled)


@dataclass(frozen=True, slots=True)
class _Parts:
    """An estimate as `value` + `controls` times their weights, and what each row adds to either: (n,), (n, k)."""

    value: float
    controls: np.ndarray
    row: np.ndarray
    row_controls: np.ndarray


def prediction_powered_mean(rows: PartlyLabelled, lam: float | None = None, alpha: float = 0.05) -> Powered:
    """Estimate the mean label of all rows.

    `lam` is tuned to the narrowest interval unless it is given. With propensities, tuning also finds a constant to add
    to the predictions.

    Raises:
        InvalidInput: fewer than two clusters have a label, the arrays differ in length, a number is not finite, or a
            labelled row has a propensity that is not above 0 and at most 1.
    """
    codes = _codes(rows.cluster, len(rows.label))
    return _powered(_parts(rows), codes, _seen(rows), None if lam is None else np.array([lam]), alpha)


def prediction_powered_difference(champion: PartlyLabelled, challenger: PartlyLabelled, alpha: float = 0.05) -> Powered:
    """Estimate challenger minus champion; a cluster code that is in both is the same subject.

    Raises:
        InvalidInput: as `prediction_powered_mean`; or only one of them has clusters.
    """
    if (champion.cluster is None) != (challenger.cluster is None):
        raise InvalidInput("cluster", "only one version has clusters", "Pass them for both versions, or for none.")
    both = (champion, challenger)
    of, over = (_parts(rows) for rows in (challenger, champion))
    clusters = None
    if champion.cluster is not None and challenger.cluster is not None:
        clusters = np.concatenate([champion.cluster, challenger.cluster])
    none = np.zeros
    parts = _Parts(
        of.value - over.value,
        np.concatenate([of.controls, -over.controls]),
        np.concatenate([-over.row, of.row]),
        np.vstack(
            [
                np.hstack([none((len(over.row), of.row_controls.shape[1])), -over.row_controls]),
                np.hstack([of.row_controls, none((len(of.row), over.row_controls.shape[1]))]),
            ]
        ),
    )
    seen = np.concatenate([_seen(rows) for rows in both])
    return _powered(parts, _codes(clusters, len(seen)), seen, None, alpha)


def _powered(parts: _Parts, codes: np.ndarray, seen: np.ndarray, trust: np.ndarray | None, alpha: float) -> Powered:
    row = np.bincount(codes, weights=parts.row)
    controls = np.stack([np.bincount(codes, weights=column) for column in parts.row_controls.T], axis=1)
    clusters = len(np.unique(codes[seen]))
    if clusters < 2:
        raise InvalidInput("label", "fewer than two clusters have a label", "Label more subjects.")
    if trust is None:
        trust = np.linalg.lstsq(controls, -row, rcond=1e-10)[0]
    trust = np.concatenate([trust, np.zeros(controls.shape[1] - len(trust))])

    def interval(weights: np.ndarray) -> Estimate:
        value = parts.value + float(parts.controls @ weights)
        variance = float(np.square(row + controls @ weights).sum()) * clusters / (clusters - 1)
        reach = two_sided(alpha) * variance**0.5
        return Estimate(value, value - reach, value + reach)

    labelled = int(seen.sum())
    return Powered(interval(trust), interval(0 * trust), float(trust[0]), labelled, len(seen) - labelled)


def _parts(rows: PartlyLabelled) -> _Parts:
    """Split the estimate into what labels say and what predictions add."""
    seen, predicted = _seen(rows), np.asarray(rows.predicted, dtype=np.float64)
    label = np.where(seen, rows.label, 0.0).astype(np.float64)
    _require_rows(rows, seen, predicted)
    if rows.propensity is None:
        predicted = predicted - predicted.min()  # exactly 0 where all are the same, so that they have no weight
        near, far = seen / seen.sum(), ~seen / max(1, np.count_nonzero(~seen))
        mean, guess = float(near @ label), float(near @ predicted)
        # With every label there, predictions have nothing to add.
        other = guess if seen.all() else float(far @ predicted)
        control = 0 * predicted if seen.all() else far * (predicted - other) - near * (predicted - guess)
        return _Parts(mean, np.array([other - guess]), near * (label - mean), control[:, None])
    chosen = np.where(seen, 1 / np.where(seen, rows.propensity, 1.0), 0.0)
    row = chosen * label
    controls = (1 - chosen)[:, None] * np.stack([predicted, np.ones(len(predicted))], axis=1)
    value, mean, number = float(row.mean()), controls.mean(axis=0), len(label)
    return _Parts(value, mean, (row - value) / number, (controls - mean) / number)


def _require_rows(rows: PartlyLabelled, seen: np.ndarray, predicted: np.ndarray) -> None:
    arrays = [of for of in (rows.cluster, rows.propensity, predicted) if of is not None]
    if any(np.shape(of) != seen.shape for of in arrays):
        raise InvalidInput("predicted", "the arrays differ in length", "Pass one value a row, NaN where no label is.")
    if not seen.any() or not np.isfinite(predicted).all() or np.isinf(rows.label).any():
        problem = "no row has a label, or a number is not finite"
        raise InvalidInput("label", problem, "Pass a prediction for every row, and labels for some.")
    if rows.propensity is not None:
        chance = np.asarray(rows.propensity)[seen]
        if not ((chance > 0) & (chance <= 1)).all():
            problem = "one of a labelled row is not above 0 and at most 1"
            raise InvalidInput("propensity", problem, "Log the probability with which each row was drawn.")


def _seen(rows: PartlyLabelled) -> np.ndarray:
    seen: np.ndarray = ~np.isnan(np.asarray(rows.label, dtype=np.float64))
    return seen


def _codes(cluster: np.ndarray | None, rows: int) -> np.ndarray:
    return np.arange(rows) if cluster is None else np.unique(cluster, return_inverse=True)[1].ravel()
