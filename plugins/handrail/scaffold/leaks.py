"""Which columns know the label: alone, by a few cuts of their values, or several that add up to it.

A column is cut into at most 64 groups, each group learns its mean label on one half of the rows and answers for the
other half. Whoever is right there nearly always is a leak far more often than a feature; whoever is far better than all
others may be one, and a person is asked to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handrail.label_kinds import NUMERIC

KNOWS_FROM = 0.98
STANDS_OUT_FROM = {"binary": 0.9, "multiclass": 0.9}
STANDS_OUT_FROM_OF_NUMBERS = 0.8
FAR = 3.0
"""What columns lack to a perfect answer: one that stands out lacks so many times less than the next."""
MOST_THAT_STAND_OUT = 3
FIGURES = {"binary": "AUC", "multiclass": "balanced accuracy"}
ADDS_UP_FROM = 0.9999
GROUPS = 64
ROWS_A_GROUP = 8


def scores_of(columns: Mapping[str, Any], label: np.ndarray, kind: str) -> dict[str, float]:
    """Return how well each column (polars Series) answers the label (n,) alone, on rows that it did not see; 1 is best.

    It is the AUC of a binary label, the balanced accuracy of classes, R² of numbers.
    """
    half = np.random.default_rng(0).permutation(len(label)) < len(label) // 2
    found = {}
    for name, series in columns.items():
        found[name] = _score(_groups(series, half), label, half, kind)
        if kind in NUMERIC and series.dtype.is_numeric():
            found[name] = max(found[name], _straight(series.to_numpy().astype(float), label))
    return found


def knowing(scores: Mapping[str, float], kind: str) -> dict[str, str]:
    """Return the columns that know the label nearly alone, each with a reason."""
    figure = FIGURES.get(kind, "R²")
    return {
        name: f"it knows the label nearly alone ({figure} {score:.3f} on rows that it did not see)"
        for name, score in scores.items()
        if score > KNOWS_FROM
    }


def standing_out(scores: Mapping[str, float], kind: str) -> dict[str, str]:
    """Return the few columns that answer far better alone than every other one, each with its figure and the next's."""
    least, figure = STANDS_OUT_FROM.get(kind, STANDS_OUT_FROM_OF_NUMBERS), FIGURES.get(kind, "R²")
    ordered = [*sorted(scores.items(), key=lambda each: -each[1]), ("", 0.0)]
    for place in range(1, min(MOST_THAT_STAND_OUT, len(scores)) + 1):
        (_, worst), (following, reached) = ordered[place - 1], ordered[place]
        if worst < least or (1 - worst) * FAR > 1 - reached:
            continue
        beside = f"the next, {following!r}, has {reached:.2f}" if following else "no other column is left"
        return {name: f"{figure} {score:.3f} alone, and {beside}" for name, score in ordered[:place]}
    return {}


def adding_up(columns: Mapping[str, Any], label: np.ndarray) -> tuple[str, ...]:
    """Return the numeric columns (polars Series) whose weighted sum is the label (n,), none if there is no such sum."""
    names = [name for name, series in columns.items() if series.dtype.is_numeric() and not series.null_count()]
    if not names or len(names) > min(200, len(label) // 4):
        return ()
    values = np.column_stack([columns[name].to_numpy().astype(float) for name in names])
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    centred = label - label.mean()
    weights = np.linalg.lstsq(scaled, centred, rcond=None)[0]
    if _explained(scaled @ weights, centred) < ADDS_UP_FROM:
        return ()
    return tuple(name for name, weight in zip(names, weights, strict=True) if abs(weight) > 1e-3 * centred.std())


def _groups(series: Any, half: np.ndarray) -> np.ndarray:
    """Return the group (n,) of each value: 0 for null, categories by their frequency, numbers by their quantile."""
    most = int(max(2, min(GROUPS, half.sum() // ROWS_A_GROUP)))
    if series.dtype.is_numeric() or series.dtype.is_temporal():
        values = series.cast(int if series.dtype.is_temporal() else float).to_numpy().astype(float)
        known = values[half & ~np.isnan(values)]
        if not len(known):
            return np.zeros(len(values), dtype=int)
        distinct = np.unique(known)
        cuts = distinct if len(distinct) <= most else np.unique(np.quantile(known, np.linspace(0, 1, most)[1:-1]))
        return np.where(np.isnan(values), 0, 1 + np.searchsorted(cuts, values))
    texts = series.cast(str)
    frequent = texts.drop_nulls().value_counts(sort=True)[texts.name].head(most).to_list()
    places = {text: number for number, text in enumerate(frequent, 2)}
    return np.array([0 if text is None else places.get(text, 1) for text in texts])


def _score(groups: np.ndarray, label: np.ndarray, half: np.ndarray, kind: str) -> float:
    if kind == "multiclass":
        return _balanced_accuracy(groups, label.astype(int), half)
    overall = label[half].mean()
    size = groups.max() + 1
    counts = np.bincount(groups[half], minlength=size)
    sums = np.bincount(groups[half], weights=label[half], minlength=size)
    answers = np.where(counts > 0, sums / np.maximum(counts, 1), overall)[groups[~half]]
    return _auc(answers, label[~half]) if kind == "binary" else _explained(answers, label[~half])


def _auc(scores: np.ndarray, label: np.ndarray) -> float:
    """Return the part of pairs in the right order, half of it for a tie."""
    positives, negatives = np.sort(scores[label == 1]), np.sort(scores[label == 0])
    if not len(positives) or not len(negatives):
        return 0.5
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.sum() / 2 / len(positives) / len(negatives))


def _balanced_accuracy(groups: np.ndarray, label: np.ndarray, half: np.ndarray) -> float:
    votes = np.zeros((groups.max() + 1, label.max() + 1))
    np.add.at(votes, (groups[half], label[half]), 1)
    right = votes.argmax(axis=1)[groups[~half]] == label[~half]
    return float(np.mean([right[label[~half] == code].mean() for code in np.unique(label[~half])]))


def _straight(values: np.ndarray, label: np.ndarray) -> float:
    known = ~np.isnan(values)
    if known.mean() < 0.5 or values[known].std() == 0 or label[known].std() == 0:
        return 0.0
    return float(np.corrcoef(values[known], label[known])[0, 1] ** 2)


def _explained(answers: np.ndarray, truth: Sequence[float] | np.ndarray) -> float:
    spread = float(np.var(truth))
    return 0.0 if spread == 0 else float(1 - np.mean((answers - truth) ** 2) / spread)
