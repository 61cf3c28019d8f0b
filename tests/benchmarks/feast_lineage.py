"""`make bench-feast-lineage`: Feast with its reads and writes recorded beside Feast without, over the same store."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.benchmarks import harness
from tests.benchmarks.feast_lineage_case import FEATURES, PUSHED, ROWS, VIEWS, write_sources

CASE = "tests.benchmarks.feast_lineage_case"
LIMIT_S = 60
DATA = harness.RESULTS / "feast-lineage"
CASES = {
    "first_read_cpu_s": (f"{ROWS:,} rows x {VIEWS * FEATURES}, first", "read", "CPU s"),
    "read_cpu_s": (f"{ROWS:,} rows x {VIEWS * FEATURES}, later", "read", "CPU s"),
    "push_ms": (f"{PUSHED:,} rows", "push", "ms"),
    "online_read_us": ("1 row, 24 features", "online read", "us"),
}


def make_project() -> Path:
    """Write a DVC project of the sources alone."""
    shutil.rmtree(DATA, ignore_errors=True)
    (DATA / "config").mkdir(parents=True)
    (DATA / ".dvc").mkdir()
    (DATA / "config" / "handrail.yaml").write_text("repository: bench\n", encoding="utf-8")
    write_sources(DATA)
    return DATA


def main() -> None:
    """Measure, print, and write the results."""
    project = make_project()
    os.environ.pop("HANDRAIL_HOME", None)
    os.environ["HANDRAIL_PROJECT"] = str(project)
    load = harness.quiet_load()
    sides = {side: [side, str(project)] for side in ("handrail", "feast")}
    for arguments in sides.values():
        harness.measured(CASE, arguments, LIMIT_S)  # tables and registries are made once, not at each run
    results = harness.interleaved(CASE, sides, limit_s=LIMIT_S)
    ours, theirs = results["handrail"] or [], results["feast"] or []
    rows = [
        harness.compare(*told, [one[name] for one in ours], ("feast", [one[name] for one in theirs]))
        for name, told in CASES.items()
    ]
    harness.finish("feast-lineage", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
