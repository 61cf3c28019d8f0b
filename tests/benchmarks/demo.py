"""`make bench-demo`: how long each step of the demo takes, in a fresh clone of this commit, beside its second run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks import harness
from tests.benchmarks.harness import ROOT, Row

FOLDER = harness.RESULTS / "demo"
SECOND = "its second run"
LIMIT_S = 1800
OURS = ("HANDRAIL_", "MLFLOW_", "PREFECT_", "BENTOML_", "DVC_")


def run_demo(checkout: Path) -> dict[str, Any]:
    """Run the demo in a checkout; return its summary."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    arguments = ["--short"] if os.environ.get("SHORT") else []
    command = [sys.executable, "-m", "infra.demo", *arguments]
    run = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    if run.returncode:
        raise SystemExit(f"The demo failed: {run.stdout[-800:]}{run.stderr[-800:]}")
    summary: dict[str, Any] = json.loads((checkout / ".handrail" / "demo" / "summary.json").read_text("utf-8"))
    return summary


def rows_of(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> list[Row]:
    """Return a row for each step and one for the whole; without repeats there is no interval."""
    names = [step["name"] for step in first[0]["steps"]]
    rows = []
    for place, name in enumerate(names):
        ours, again = ([run["steps"][place]["wall_s"] for run in runs] for runs in (first, second))
        rows.append(harness.compare(name, "wall", "s", ours, (SECOND, again)))
    ours, again = ([run["wall_s"] for run in runs] for runs in (first, second))
    rows.append(harness.compare("all, with what is between", "wall", "s", ours, (SECOND, again)))
    return rows if len(first) > 1 else [replace(row, low=None, high=None) for row in rows]


def main() -> None:
    """Measure, print, and write the results; each repeat takes minutes, so that one is the default."""
    first, second = [], []
    load = harness.quiet_load()
    for number in range(int(os.environ.get("REPEATS", "1"))):
        checkout = FOLDER / str(number)
        shutil.rmtree(checkout, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        first.append(run_demo(checkout))
        second.append(run_demo(checkout))
        shutil.rmtree(checkout)
    harness.finish("demo", rows_of(first, second), load, LIMIT_S)


if __name__ == "__main__":
    main()
