"""Weeks of the reference project's training rows to resample from, and the ways to say that a month drifted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from handrail.statistics import (
    Summaries,
    budget_level,
    evidence_of_change,
    named_by_ebh,
    stability_index,
    summarise_categories,
    summarise_numbers,
)
from tests.benchmarks.harness import ROOT

ROWS = 1000
"""So many rows of each week are drawn once; every method sees these."""
WEEKS_A_MONTH, REFERENCE_WEEKS, LOOK_BACK = 4, 26, 3
CATEGORIES = ("carrier", "origin")
NUMBERS = (
    "temp", "visib", "precip", "origin_dep_delay_3h", "origin_waiting_share", "carrier_late_share_24h",
    "dest_late_share_7d", "tail_arr_delay", "minute_of_day", "distance_miles",
)  # fmt: skip
SCORE = "score"
COLUMNS = (*CATEGORIES, *NUMBERS, SCORE)
BUDGET = budget_level(1, 12)
WEIGHTS = dict.fromkeys(COLUMNS, 0.5 / (len(COLUMNS) - 1)) | {SCORE: 0.5}

Rows = Mapping[str, np.ndarray]
"""The rows of some weeks by column, (n,) each: numbers, or codes of categories."""


@dataclass(frozen=True)
class Pool:
    """Weeks of rows by column, (weeks, ROWS) each, and the summaries of them; `deviation` is that of single rows."""

    rows: Mapping[str, np.ndarray]
    summaries: Mapping[str, Summaries]
    deviation: Mapping[str, float]

    @property
    def weeks(self) -> int:
        """How many weeks there are."""
        return len(self.rows[SCORE])


@dataclass(frozen=True)
class Months:
    """A reference and months of `WEEKS_A_MONTH` weeks drawn from a pool; `moved` is added to a column of the months."""

    pool: Pool
    reference: np.ndarray
    weeks: np.ndarray
    moved: tuple[str, float] | None = None

    def reference_rows(self) -> Rows:
        """Return the rows of the reference."""
        return {name: rows[self.reference].ravel() for name, rows in self.pool.rows.items()}

    def rows(self, month: int) -> Rows:
        """Return the rows of a month, counted from 0."""
        weeks = self.weeks[month * WEEKS_A_MONTH : (month + 1) * WEEKS_A_MONTH]
        return {name: rows[weeks].ravel() + self._added(name) for name, rows in self.pool.rows.items()}

    def recent(self, name: str, month: int) -> Summaries:
        """Return the summaries of a month and those before that still count."""
        first = max(0, month + 1 - LOOK_BACK) * WEEKS_A_MONTH
        held = self.pool.summaries[name].part(self.weeks[first : (month + 1) * WEEKS_A_MONTH])
        added = self._added(name)
        return Summaries(held.level + added, held.missing, held.profile + added) if added else held

    def _added(self, name: str) -> float:
        if self.moved is None or self.moved[0] != name:
            return 0
        return self.moved[1] * self.pool.deviation[name]


def open_pool(seed: int = 0) -> Pool:
    """Read the weeks of the training window; `dvc repro features` makes it if it is not there."""
    file = ROOT / "data" / "training" / "train.parquet"
    if not file.is_file():
        subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet", "features"], cwd=ROOT, check=True)
    table = pl.read_parquet(file, columns=["day", "late", *CATEGORIES, *NUMBERS])
    first = table["day"].min()
    table = table.with_columns(week=(pl.col("day") - first).dt.total_days() // 7).with_columns(
        pl.col(name).cast(pl.Categorical).to_physical().cast(pl.Int64) for name in CATEGORIES
    )
    table = table.with_columns(score=pl.Series(_scores(table)))
    source = np.random.default_rng(seed)
    whole = int(table["week"].max()) - (table["day"].n_unique() % 7 > 0)  # type: ignore[arg-type]
    weeks = [table.filter(pl.col("week") == week) for week in range(whole + 1)]
    drawn = [week[np.sort(source.choice(len(week), ROWS, replace=False))] for week in weeks]
    rows = {name: np.array([week[name].to_numpy() for week in drawn]) for name in COLUMNS}
    number = np.repeat(np.arange(len(drawn)), ROWS)
    summaries = {name: summarise_numbers(rows[name].ravel(), number, len(drawn)) for name in (*NUMBERS, SCORE)}
    for name in CATEGORIES:
        kinds = int(rows[name].max()) + 1
        summaries[name] = summarise_categories(rows[name].ravel(), number, len(drawn), kinds)
    deviation = {name: float(np.nanstd(rows[name])) for name in (*NUMBERS, SCORE)}
    return Pool(rows, summaries, deviation)


def _scores(table: pl.DataFrame) -> np.ndarray:
    """Score the rows by a small model of them: what matters here is only how a score moves with its features."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = table.drop_nulls("late")
    model = HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=200, early_stopping=False, random_state=0)
    model.fit(known.select(NUMBERS).to_numpy()[::4], known["late"].to_numpy()[::4])
    scores: np.ndarray = model.predict_proba(table.select(NUMBERS).to_numpy())[:, 1]
    return scores


def draw(pool: Pool, source: np.random.Generator, months: int, block: int) -> Months:
    """Draw a reference and months from the pool by blocks of successive weeks, so that nothing changes on average."""

    def some(count: int) -> np.ndarray:
        starts = source.integers(pool.weeks, size=-(-count // block))
        return np.concatenate([(start + np.arange(block)) % pool.weeks for start in starts])[:count]

    return Months(pool, some(REFERENCE_WEEKS), some(months * WEEKS_A_MONTH))


Method = Callable[[Months, int], set[str]]
"""Says which columns of a month drifted."""


def handrail(drawn: Months, month: int) -> set[str]:
    """Name columns within a budget of one false alarm in 12 months."""
    evidence = {
        name: evidence_of_change(drawn.pool.summaries[name].part(drawn.reference), drawn.recent(name, month))
        for name in COLUMNS
    }
    return set(named_by_ebh(evidence, BUDGET, WEIGHTS))


def psi(limit: float) -> Method:
    """Name columns whose population stability index passes a limit."""

    def named(drawn: Months, month: int) -> set[str]:
        before, after = drawn.reference_rows(), drawn.rows(month)
        found = {name: stability_index(before[name], after[name], 10) for name in (*NUMBERS, SCORE)}
        for name in CATEGORIES:
            shares = [np.bincount(side[name], minlength=64) / len(side[name]) + 1e-4 for side in (before, after)]
            found[name] = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
        return {name for name, index in found.items() if index > limit}

    return named


def kolmogorov_smirnov(drawn: Months, month: int) -> set[str]:
    """Name columns by Kolmogorov-Smirnov or chi-square at 5 %, corrected by Bonferroni for the columns."""
    from scipy import stats

    before, after = drawn.reference_rows(), drawn.rows(month)
    chance = {}
    for name in (*NUMBERS, SCORE):
        sides = (side[name][~np.isnan(side[name])] for side in (before, after))
        chance[name] = stats.ks_2samp(*sides, method="asymp").pvalue
    for name in CATEGORIES:
        counts = np.array([np.bincount(side[name], minlength=64) for side in (before, after)])
        chance[name] = stats.chi2_contingency(counts[:, counts.sum(axis=0) > 0]).pvalue
    return {name for name, value in chance.items() if value < 0.05 / len(COLUMNS)}


def evidently(drawn: Months, month: int) -> set[str]:
    """Name the columns whose test Evidently's preset fails with its own methods and thresholds."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=[*NUMBERS, SCORE], categorical_columns=list(CATEGORIES))
    before, after = (
        Dataset.from_pandas(
            pd.DataFrame({name: side[name].astype(str) if name in CATEGORIES else side[name] for name in COLUMNS}),
            data_definition=definition,
        )
        for side in (drawn.reference_rows(), drawn.rows(month))
    )
    ran: list[dict[str, Any]] = json.loads(
        Report([DataDriftPreset(columns=list(COLUMNS))], include_tests=True).run(after, before).json()
    )["tests"]
    failed = [test["name"] for test in ran if test["status"] == "FAIL"]
    if len(ran) != len(COLUMNS) + 1:
        raise SystemExit(f"Evidently ran {len(ran)} tests of {len(COLUMNS) + 1}: its names are read by position.")
    return {name for name in COLUMNS if any(test.split()[-1] == name for test in failed)}
