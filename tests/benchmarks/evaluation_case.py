"""One measurement of an evaluation, as JSON: `SIDE`, which is `gate`, `in-process` or `scikit-learn`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import log_loss, roc_auc_score

from handrail.approvals.adapters import measuring
from handrail.approvals.adapters.evaluation_process import EvaluationProcess
from handrail.scoring import Scorer
from handrail.statistics.comparison import DRAWS
from tests.fakes.labelled_rows import GOOD, WEAK, labelled_rows
from tests.fakes.questions import Questions

ROWS = 28_220
QUANTILES = (0.025, 0.975)
Found = dict[str, float]


def _rows() -> pl.DataFrame:
    """Return rows of several carriers and hours, so that groups are measured too."""
    source = np.random.default_rng(1)
    carriers, minutes = source.choice(list("ABCDEFGHIJKL"), ROWS), source.uniform(300, 1440, ROWS)
    return labelled_rows(ROWS, carrier=carriers, minute_of_day=minutes)


def by_the_gate(folder: Path) -> Callable[[], Found]:
    """Return what asks the evaluator: a confined process that scores both models and computes all."""
    question = Questions(folder).ask(GOOD, WEAK, _rows())

    def measure() -> Found:
        return _numbers(EvaluationProcess().evaluate(question).measures)

    return measure


def in_process(folder: Path) -> Callable[[], Found]:
    """Return what computes all with the same code in this process, without confinement."""
    question = Questions(folder).ask(GOOD, WEAK, _rows())
    trees = {"candidate": question.candidate, "incumbent": question.incumbent}
    files = {f"{name}.scoring": tree.scoring for name, tree in trees.items() if tree}
    files |= {f"{name}.network": tree.network for name, tree in trees.items() if tree}

    def measure() -> Found:
        snapshot = Path(question.snapshot).read_bytes()
        return _numbers(measuring.measure(asdict(question.plan), files | {"snapshot": snapshot}))

    return measure


def _numbers(measures: Mapping[str, Any]) -> Found:
    found = {name: measures["evaluation"][name] for name in ("roc_auc", "log_loss")}
    return found | {name: measures["comparison"][name] for name in ("delta", "ci_low", "ci_high")}


def by_scikit_learn(folder: Path) -> Callable[[], Found]:
    """Return what computes the same here with scikit-learn: the same draws of days, each as weights of rows."""
    question = Questions(folder).ask(GOOD, WEAK, _rows())
    draws = question.plan.draws

    def measure() -> Found:
        rows = pl.read_parquet(question.snapshot)
        assert question.incumbent is not None
        packages = (question.candidate, question.incumbent)
        mine, theirs = (_scores(Scorer.read(one.scoring, one.network, "a model"), rows) for one in packages)
        label, cluster = rows["late"].to_numpy(), np.unique(rows["day"].to_numpy(), return_inverse=True)[1]
        clusters, value, loss = int(cluster.max()) + 1, roc_auc_score(label, mine), log_loss(label, mine)
        for judge in (roc_auc_score, log_loss):
            drawn_values = [judge(label, mine, sample_weight=drawn[cluster]) for drawn in _weights(clusters, draws)]
            np.quantile(drawn_values, QUANTILES)
        gains = [
            roc_auc_score(label, mine, sample_weight=drawn[cluster])
            - roc_auc_score(label, theirs, sample_weight=drawn[cluster])
            for drawn in _weights(clusters, DRAWS)
        ]
        low, high = np.quantile(gains, QUANTILES)
        gain = value - roc_auc_score(label, theirs)
        numbers = {"roc_auc": value, "log_loss": loss, "delta": gain, "ci_low": low, "ci_high": high}
        return {name: float(number) for name, number in numbers.items()}

    return measure


def _scores(scorer: Scorer, rows: pl.DataFrame) -> np.ndarray:
    return scorer.answer({name: rows[name].to_list() for name in scorer.features}).score


def _weights(clusters: int, draws: int) -> np.ndarray:
    drawn = np.random.default_rng(0).multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    return drawn.astype(np.float64)


def main() -> None:
    """Print seconds and the numbers that were found."""
    side = {"gate": by_the_gate, "in-process": in_process, "scikit-learn": by_scikit_learn}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        measure = side(Path(folder))
        began = time.perf_counter()
        found = measure()
        taken = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": taken} | found) + "\n")


if __name__ == "__main__":
    main()
