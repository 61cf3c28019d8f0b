"""How benchmarks measure: each case in its own process, ours and theirs in turn, medians, ratios with intervals."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".handrail" / "bench"
REPEATS = 5
RESAMPLES = 2000
NO_PEER = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a benchmark's table: medians, and ours / theirs with a bootstrap interval of 95 %."""

    case: str
    metric: str
    unit: str
    ours: float | None
    peer: str
    theirs: float | None
    ratio: float | None
    low: float | None
    high: float | None


def measured(module: str, arguments: Sequence[str], limit_s: float = 120) -> dict[str, Any] | None:
    """Run `python -m module arguments`, which prints one JSON object, and return it; None if it passes the limit."""
    try:
        run = subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return None
    if run.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed: {run.stderr.strip()[-800:]}")
    result: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return result


def interleaved(
    module: str, sides: Mapping[str, Sequence[str]], repeats: int = REPEATS, limit_s: float = 120
) -> dict[str, list[dict[str, Any]] | None]:
    """Measure each side `repeats` times in turn (A B A B ...); a side that passes the limit once is left out: None."""
    results: dict[str, list[dict[str, Any]] | None] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, arguments in sides.items():
            held = results[side]
            if held is None:
                continue
            one = measured(module, arguments, limit_s)
            if one is None:
                results[side] = None
            else:
                held.append(one)
    return results


def compare(case: str, metric: str, unit: str, ours: Sequence[float], peer: tuple[str, Sequence[float] | None]) -> Row:
    """Return the row for two lists of measurements taken in turn; the peer's may be None if it passed its limit."""
    name, theirs = peer
    mine = statistics.median(ours)
    if not theirs:
        return Row(case, metric, unit, mine, name, None, None, None, None)
    other = statistics.median(theirs)
    low, high = _interval(ours, theirs)
    return Row(case, metric, unit, mine, name, other, mine / other, low, high)


def alone(case: str, metric: str, unit: str, ours: Sequence[float]) -> Row:
    """Return the row for measurements that no peer can be compared with."""
    return Row(case, metric, unit, statistics.median(ours), NO_PEER, None, None, None, None)


def _interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    chance = random.Random(0)
    ratios = sorted(
        statistics.median(chance.choices(ours, k=len(ours))) / statistics.median(chance.choices(theirs, k=len(theirs)))
        for _ in range(RESAMPLES)
    )
    return ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES)]


def finish(name: str, rows: Iterable[Row], load_before: float, limit_s: float, notes: Sequence[str] = ()) -> None:
    """Print the table, then what it does not hold and why, and write both to `.handrail/bench/<name>.json`."""
    rows = list(rows)
    table = Table(title=name, box=None)
    for column in ("case", "metric", "unit", "ours", "peer", "theirs", "ratio", "95 %"):
        table.add_column(column, justify="left" if column in ("case", "metric", "unit", "peer") else "right")
    for row in rows:
        past_limit = row.theirs is None and row.peer != NO_PEER
        theirs = f"over {limit_s:.0f} s" if past_limit else _short(row.theirs)
        interval = "" if row.low is None or row.high is None else f"{_short(row.low)}-{_short(row.high)}"
        table.add_row(row.case, row.metric, row.unit, _short(row.ours), row.peer, theirs, _short(row.ratio), interval)
    Console(width=140).print(table, *notes, sep="\n", markup=False)
    RESULTS.mkdir(parents=True, exist_ok=True)
    body: dict[str, Any] = {
        "name": name,
        "machine": machine(),
        "load_before": load_before,
        "rows": [asdict(row) for row in rows],
    }
    if notes:
        body["notes"] = list(notes)
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def progress(what: str) -> None:
    """Say on stderr what is done now, with the time of day."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


def quiet_load(below: float = 2.0, within_s: float = 30) -> float:
    """Return the load average once it is below a bound, or as it is when the time is over."""
    deadline = time.monotonic() + within_s
    while os.getloadavg()[0] > below and time.monotonic() < deadline:
        time.sleep(1)
    return os.getloadavg()[0]
