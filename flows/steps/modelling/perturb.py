"""What happens to a model's answers when its inputs are disturbed: noise, missing columns, shuffled columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handrail.statistics import Scored, metric_named

NOISE_LEVELS = (0.05, 0.1, 0.25, 0.5)
SHUFFLES = 3
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Probe:
    """A model over encoded inputs and the flights to disturb.

    `encoded` is (n, f) in the order of `features`, `coded` marks columns that hold category codes (f,),
    `threshold` is where a flight starts to count as late.
    """

    predict: Predict
    encoded: np.ndarray
    features: tuple[str, ...]
    coded: np.ndarray
    label: np.ndarray
    threshold: float
    seed: int

    def auc(self, encoded: np.ndarray) -> float:
        """Return the ROC-AUC of the model on disturbed inputs."""
        return self._auc_of(self.predict(encoded))

    def effect(self, encoded: np.ndarray, undisturbed: np.ndarray) -> dict[str, float]:
        """Return what disturbed inputs change against the undisturbed scores (n,)."""
        scores = self.predict(encoded)
        flipped = (scores >= self.threshold) != (undisturbed >= self.threshold)
        return {
            "roc_auc": round(self._auc_of(scores), 9),
            "roc_auc_lost": round(self._auc_of(undisturbed) - self._auc_of(scores), 9),
            "mean_change": round(float(np.abs(scores - undisturbed).mean()), 9),
            "labels_flipped": round(float(flipped.mean()), 9),
        }

    def _auc_of(self, scores: np.ndarray) -> float:
        one_cluster = np.zeros(len(self.label), dtype=np.int64)
        return float(
            metric_named("binary", "roc_auc").values(Scored(scores, self.label, one_cluster), np.ones((1, 1)))[0]
        )


def robustness(probe: Probe, groups: Mapping[str, Sequence[str]]) -> dict[str, dict[str, dict[str, float]]]:
    """Disturb numbers by noise of a share of their spread, and take away whole groups of columns."""
    undisturbed = probe.predict(probe.encoded)
    return {
        "noise": {f"{level:g}": probe.effect(_noisy(probe, level), undisturbed) for level in NOISE_LEVELS},
        "missing": {
            name: probe.effect(_without(probe, columns), undisturbed) for name, columns in groups.items() if columns
        },
    }


def importance(probe: Probe) -> dict[str, dict[str, float]]:
    """Return the ROC-AUC lost when one feature's values are shuffled among flights, largest loss first.

    `value` is the mean over three shuffles, `low` and `high` the smallest and largest of them (Breiman 2001).
    """
    whole = probe.auc(probe.encoded)
    source = np.random.default_rng(probe.seed)
    lost: dict[str, dict[str, float]] = {}
    for place, name in enumerate(probe.features):
        losses = []
        for _ in range(SHUFFLES):
            shuffled = probe.encoded.copy()
            shuffled[:, place] = source.permutation(shuffled[:, place])
            losses.append(whole - probe.auc(shuffled))
        value, low, high = float(np.mean(losses)), min(losses), max(losses)
        lost[name] = {"value": round(value, 9), "low": round(low, 9), "high": round(high, 9)}
    return dict(sorted(lost.items(), key=lambda item: (-item[1]["value"], item[0])))


def _noisy(probe: Probe, level: float) -> np.ndarray:
    source = np.random.default_rng(probe.seed)
    noise = source.standard_normal(probe.encoded.shape)
    return probe.encoded + level * np.where(probe.coded, 0.0, _spread(probe.encoded)) * noise


def _spread(encoded: np.ndarray) -> np.ndarray:
    """Return each column's standard deviation over its known values; 0 where nothing is known."""
    known = ~np.isnan(encoded)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, encoded, 0.0).sum(axis=0) / count
    spread: np.ndarray = np.sqrt((np.where(known, encoded - mean, 0.0) ** 2).sum(axis=0) / count)
    return spread


def _without(probe: Probe, columns: Sequence[str]) -> np.ndarray:
    blank = np.isin(np.array(probe.features), list(columns))
    return np.where(blank, np.nan, probe.encoded)
