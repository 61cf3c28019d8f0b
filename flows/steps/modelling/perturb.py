"""What happens to a model's answers when its inputs are disturbed: noise, missing columns, shuffled columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flows.steps.modelling.judge import Judge
from handrail.statistics import Answers

NOISE_LEVELS = (0.05, 0.1, 0.25, 0.5)
SHUFFLES = 3
Answer = Callable[[np.ndarray], Answers]


@dataclass(frozen=True, slots=True)
class Probe:
    """A model over encoded inputs and the rows to disturb.

    `encoded` is (n, f) in the order of `features`, `coded` marks columns that hold category codes (f,).
    """

    answer: Answer
    judge: Judge
    encoded: np.ndarray
    features: tuple[str, ...]
    coded: np.ndarray
    label: np.ndarray
    seed: int

    def value(self, encoded: np.ndarray) -> float:
        """Return the metric that decides, of the model on disturbed inputs."""
        return self.judge.value(self.answer(encoded), self.label)

    def lost(self, undisturbed: float, disturbed: float) -> float:
        """Return how much worse the metric that decides has become."""
        return float(self.judge.metric.gain(undisturbed, disturbed))

    def effect(self, encoded: np.ndarray, undisturbed: Answers) -> dict[str, float]:
        """Return what disturbed inputs change against the undisturbed answers."""
        answers, metric = self.answer(encoded), self.judge.metric.name
        value = self.judge.value(answers, self.label)
        change = np.abs(np.asarray(answers.score) - np.asarray(undisturbed.score))
        effect = {
            metric: round(value, 9),
            f"{metric}_lost": round(self.lost(self.judge.value(undisturbed, self.label), value), 9),
            "mean_change": round(float(change.mean()), 9),
        }
        before, after = self.judge.labels(undisturbed), self.judge.labels(answers)
        if before is not None and after is not None:
            effect["labels_flipped"] = round(float((after != before).mean()), 9)
        return effect


def robustness(probe: Probe, groups: Mapping[str, Sequence[str]]) -> dict[str, dict[str, dict[str, float]]]:
    """Disturb numbers by noise of a share of their spread, and take away whole groups of columns."""
    undisturbed = probe.answer(probe.encoded)
    return {
        "noise": {f"{level:g}": probe.effect(_noisy(probe, level), undisturbed) for level in NOISE_LEVELS},
        "missing": {
            name: probe.effect(_without(probe, columns), undisturbed) for name, columns in groups.items() if columns
        },
    }


def importance(probe: Probe) -> dict[str, dict[str, float]]:
    """Return what the deciding metric loses when one feature's values are shuffled among rows, largest loss first.

    `value` is the mean over three shuffles, `low` and `high` the smallest and largest of them (Breiman 2001).
    """
    whole = probe.value(probe.encoded)
    source = np.random.default_rng(probe.seed)
    lost: dict[str, dict[str, float]] = {}
    for place, name in enumerate(probe.features):
        losses = []
        for _ in range(SHUFFLES):
            shuffled = probe.encoded.copy()
            shuffled[:, place] = source.permutation(shuffled[:, place])
            losses.append(probe.lost(whole, probe.value(shuffled)))
        value, low, high = float(np.mean(losses)), min(losses), max(losses)
        lost[name] = {"value": round(value, 9), "low": round(low, 9), "high": round(high, 9)}
    return dict(sorted(lost.items(), key=lambda item: (-item[1]["value"], item[0])))


def _noisy(probe: Probe, level: float) -> np.ndarray:
    source = np.random.default_rng(probe.seed)
    noise = source.standard_normal(probe.encoded.shape)
    return probe.encoded + level * np.where(probe.coded, 0.0, spread_of(probe.encoded)) * noise


def spread_of(encoded: np.ndarray) -> np.ndarray:
    """Return each column's standard deviation over its known values; 0 where nothing is known."""
    known = ~np.isnan(encoded)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, encoded, 0.0).sum(axis=0) / count
    spread: np.ndarray = np.sqrt((np.where(known, encoded - mean, 0.0) ** 2).sum(axis=0) / count)
    return spread


def _without(probe: Probe, columns: Sequence[str]) -> np.ndarray:
    blank = np.isin(np.array(probe.features), list(columns))
    return np.where(blank, np.nan, probe.encoded)
