"""`make bench-feedback-statistics`: what comparisons and estimates promise, simulated beside the naive way.

It measures errors, not speed: false positives, power, coverage and widths, each over five seeds.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from handrail.statistics import (
    Experiment,
    FixedHorizon,
    Intervals,
    OpenEnded,
    PartlyLabelled,
    Rule,
    Scored,
    draw_for_labelling,
    estimate_performance,
    label_uncertainty,
    labelling_propensity,
    prediction_powered_mean,
    simulate,
    simulate_false_positives,
)
from tests.benchmarks import harness
from tests.benchmarks.harness import Row

LIMIT_S = 240
SEEDS = range(harness.REPEATS)
UNITS, LOOKS = 20_000, 100
RULES: dict[str, Rule] = {
    "open-ended": OpenEnded(tau=0.015),
    "horizon, O'Brien-Fleming": FixedHorizon(UNITS),
    "horizon, Pocock": FixedHorizon(UNITS, spending="pocock"),
}
PERCENT = "%"


def comparisons(trials: int) -> list[Row]:
    """Simulate each rule where nothing differs and where the challenger is better."""
    same = [Experiment(UNITS, LOOKS, 0.1, trials=trials, seed=seed) for seed in SEEDS]
    better = [replace(one, challenger_rate=0.115, seed=100 + one.seed) for one in same]
    rows = []
    for name, rule in RULES.items():
        none = [simulate_false_positives(rule, one) for one in same]
        some = [simulate(rule, one) for one in better]
        false, naive = [100 * of.decided for of in none], [100 * of.naive for of in none]
        rows += [
            harness.compare(f"{name}, 10 % both", "false positives", PERCENT, false, ("naive-peeking", naive)),
            harness.alone(f"{name}, 10.0 to 11.5 %", "power", PERCENT, [100 * of.better for of in some]),
            harness.alone(
                f"{name}, 10.0 to 11.5 %",
                "mean stop",
                f"% of {UNITS:,}",
                [100 * of.mean_stop / UNITS for of in some],
            ),
        ]
    return rows


def few_labels(trials: int) -> list[Row]:
    """Estimate a base rate from 300 labels of 3,000 predictions, drawn evenly or by uncertainty, or labels alone."""
    widths: dict[str, list[float]] = {"chosen": [], "even": [], "alone": []}
    held: dict[str, list[float]] = {"chosen": [], "even": []}
    for seed in SEEDS:
        source, found = np.random.default_rng(seed), {name: [] for name in widths}
        inside = {name: 0 for name in held}
        for trial in range(trials):
            guess = np.where(source.random(3000) < 0.85, source.beta(1, 200, 3000), source.beta(4, 4, 3000))
            label = (source.random(3000) < 0.9 * guess + 0.003).astype(float)
            truth = 0.9 * (0.85 / 201 + 0.15 / 2) + 0.003
            for name, uncertainty in (("chosen", label_uncertainty(guess)), ("even", np.ones(3000))):
                propensity = labelling_propensity(uncertainty, 300)
                drawn = draw_for_labelling([f"{trial} {row}" for row in range(3000)], propensity, f"{seed} {name}")
                one = prediction_powered_mean(
                    PartlyLabelled(np.where(drawn, label, np.nan), guess, propensity=propensity)
                )
                inside[name] += one.estimate.low <= truth <= one.estimate.high
                found[name].append(one.estimate.high - one.estimate.low)
            found["alone"].append(one.classical.high - one.classical.low)
        for name, values in found.items():
            widths[name].append(float(np.mean(values)))
        for name, times in inside.items():
            held[name].append(100 * times / trials)
    case = "300 labels of 3,000"
    return [
        harness.compare(case, "interval, predictions used", "wide", widths["even"], ("labels-alone", widths["alone"])),
        harness.compare(case, "interval, labels chosen", "wide", widths["chosen"], ("drawn-evenly", widths["even"])),
        harness.compare(case, "intervals that hold it", PERCENT, held["chosen"], ("drawn-evenly", held["even"])),
    ]


def before_labels(trials: int) -> list[Row]:
    """Estimate the accuracy of predictions whose scores are as before, or less sure, beside the last known accuracy."""
    rows = []
    for name, shape in (("scores as before", (1, 4)), ("scores less sure", (2, 3))):
        measured = np.array([_accuracy_errors(shape, trials, seed) for seed in SEEDS])
        ours, last, held = (column.tolist() for column in measured.T)
        case = f"accuracy before labels, {name}"
        rows += [
            harness.compare(case, "mean error", "points", ours, ("last-known", last)),
            harness.alone(case, "intervals that hold it", PERCENT, held),
        ]
    return rows


def _accuracy_errors(shape: tuple[int, int], trials: int, seed: int) -> tuple[float, float, float]:
    """Return the mean errors of the estimate and of the last known accuracy, and how often the interval holds it."""
    source, errors, others, held = np.random.default_rng(seed), [], [], 0
    for trial in range(trials):
        score = np.r_[source.beta(1, 4, 2000), source.beta(*shape, 1000)]
        label = (source.random(3000) < score**1.3).astype(int)
        predicted = (score > 0.5).astype(int)
        right = predicted == label
        reference = Scored(score[:2000], label[:2000], np.arange(2000) // 20)
        found = estimate_performance(
            reference, score[2000:], predicted[2000:], Intervals(60, 1000 * (seed + 1) + trial)
        )["accuracy"]
        truth = right[2000:].mean()
        errors.append(100 * abs(found.value - truth))
        others.append(100 * abs(right[:2000].mean() - truth))
        held += found.low <= truth <= found.high
    return float(np.mean(errors)), float(np.mean(others)), 100 * held / trials


def main() -> None:
    """Simulate, print, and write the results."""
    load, full = os.getloadavg()[0], bool(os.environ.get("FULL"))
    rows = comparisons(20_000 if full else 4000)
    rows += few_labels(500 if full else 60)
    rows += before_labels(100 if full else 20)
    harness.finish("feedback-statistics", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
