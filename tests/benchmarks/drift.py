"""`make bench-drift`: false alarms about drift where nothing changes, and delays where something does, beside others.

Months are drawn from whole weeks of the training window, with replacement, so that nothing changes on average; blocks
of several successive weeks keep what lasts longer than a week, which no method here knows of. Every method sees the
same rows of the same months. Evidently takes seconds a month, so it sees fewer of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")

import numpy as np

from tests.benchmarks import harness
from tests.benchmarks.drift_case import (
    Method,
    Months,
    Pool,
    draw,
    evidently,
    handrail,
    kolmogorov_smirnov,
    open_pool,
    psi,
)
from tests.benchmarks.harness import Row

LIMIT_S = 300
MONTHS = 12
BLOCKS = (1, 2, 4)
MOVED = "origin_dep_delay_3h"
SIZES = (0.1, 0.25, 0.5)
WITHIN = (1, 2, 3)
PEERS: Mapping[str, Method] = {
    "psi-0.1": psi(0.1),
    "psi-0.2": psi(0.2),
    "ks-bonferroni": kolmogorov_smirnov,
    "evidently": evidently,
}


def false_alarms(pool: Pool, years: Mapping[str, int]) -> list[Row]:
    """Count, for each method, the months of a year in which it names any column though nothing changed."""
    rows = []
    for block in BLOCKS:
        found = {}
        for name, method in {"": handrail, **PEERS}.items():
            if name == "evidently" and block > BLOCKS[0] and years[name] == 1:
                continue
            source = np.random.default_rng(block)
            drawn = [draw(pool, source, MONTHS, block) for _ in range(years[name])]
            found[name] = [sum(bool(method(year, month)) for month in range(MONTHS)) for year in drawn]
        case = f"nothing changes, blocks of {block} week{'s' if block > 1 else ''}"
        rows += _rows(case, "months with a false alarm", "of 12", found)
    return rows


def _rows(case: str, metric: str, unit: str, found: Mapping[str, list[int]]) -> list[Row]:
    ours = float(np.mean(found[""]))
    means = {f"{name}, n={len(counts)}": float(np.mean(counts)) for name, counts in found.items() if name}
    return [
        Row(case, metric, unit, ours, name, mean, ours / mean if mean else None, None, None)
        for name, mean in means.items()
    ]


def delays(pool: Pool, years: Mapping[str, int]) -> list[Row]:
    """Measure how soon each method names a column whose values move by some of their standard deviations."""
    rows = []
    for size in SIZES:
        found: dict[str, list[int]] = {}
        for name, method in {"": handrail, **PEERS}.items():
            source = np.random.default_rng(7)
            drawn = [draw(pool, source, max(WITHIN), 1) for _ in range(years[name])]
            moved = [Months(pool, each.reference, each.weeks, (MOVED, size)) for each in drawn]
            found[name] = [_first(method, each) for each in moved]
        for within in WITHIN:
            seen = {name: [100 * (first <= within) for first in firsts] for name, firsts in found.items()}
            rows += _rows(f"{MOVED} moves by {size:g} sd", f"named within {within} months", "%", seen)
    return rows


def _first(method: Method, drawn: Months) -> int:
    """Return the month, counted from 1, in which the method names the column, one past the last if in none."""
    return next((month + 1 for month in range(max(WITHIN)) if MOVED in method(drawn, month)), max(WITHIN) + 1)


def main() -> None:
    """Measure, print and write the table."""
    full, load = bool(os.environ.get("FULL")), os.getloadavg()[0]
    years = dict.fromkeys(["", *PEERS], 200 if full else 8) | {"evidently": 10 if full else 1}
    pool = open_pool()
    harness.finish("drift", [*false_alarms(pool, years), *delays(pool, years)], load, LIMIT_S)


if __name__ == "__main__":
    main()
