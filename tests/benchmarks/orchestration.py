"""`make bench-orchestration`: a Prefect flow of six steps with its lineage recorded, without, and the bare steps."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from handrail.settings import load_settings
from infra.servers.supervisor import Servers, with_free_ports
from tests.benchmarks import harness
from tests.benchmarks.harness import Row
from tests.benchmarks.orchestration_case import BLOCK, MEGABYTES, STEPS, step

CASE = "tests.benchmarks.orchestration_case"
WORK_S = 9.0
FULL_WORK_S = 60.0
LIMIT_S = 180
START_S = 120
DATA = harness.RESULTS / "orchestration"


def make_project() -> Path:
    """Write an empty project with the file that the first step reads."""
    shutil.rmtree(DATA, ignore_errors=True)
    (DATA / "config").mkdir(parents=True)
    (DATA / "data").mkdir()
    (DATA / "config" / "handrail.yaml").write_text("repository: bench\n", encoding="utf-8")
    # Half random, half text: compressing it is work, as with real tables.
    half = MEGABYTES * BLOCK // 2
    (DATA / "data" / "0.bin").write_bytes(os.urandom(half) + b"origin,dest,delay\n" * (half // 18))
    return DATA


def rounds_for(seconds: float) -> int:
    """Return how much work a step has to do to take so many seconds of a processor."""
    source, target = str(DATA / "data" / "0.bin"), str(DATA / "data" / "calibration.bin")
    timed = []
    for rounds in (1, 11):
        begin = time.process_time()
        step(source, target, rounds)
        timed.append(time.process_time() - begin)
    Path(target).unlink()
    return max(1, round((seconds - timed[0]) / max((timed[1] - timed[0]) / 10, 1e-6)))


def rows_of(work_s: float, results: dict[str, list[dict[str, Any]] | None]) -> list[Row]:
    """Compare the recorded flow with the same flow and with the bare steps, and what recording takes with the whole."""
    ours, case = results["handrail"] or [], f"{STEPS} steps, {work_s:.0f} s"
    rows = []
    for peer in ("prefect", "scripts"):
        for metric, unit in (("wall_s", "s"), ("cpu_s", "CPU s")):
            theirs = results[peer]
            other = [one[metric] for one in theirs] if theirs else None
            rows.append(harness.compare(case, metric, unit, [one[metric] for one in ours], (peer, other)))
    walls = [one["wall_s"] for one in ours]
    rows.append(harness.compare(case, "recording", "s", [one["recording_s"] for one in ours], ("its wall", walls)))
    return rows


def require_recorded(repeats: int) -> None:
    """Stop unless every step of every repeat is in the graph with what it read and made."""
    with sqlite3.connect(DATA / ".handrail" / "handrail.db") as connection:
        (runs,) = connection.execute("select count(*) from lineage_node where kind = 'task-run'").fetchone()
        (edges,) = connection.execute("select count(*) from lineage_edge where verb in (1, 2)").fetchone()
    connection.close()
    if (runs, edges) != (STEPS * repeats, 2 * STEPS * repeats):
        raise SystemExit(f"Lineage holds {runs} runs and {edges} edges of {repeats} repeats: some were not recorded.")


def main() -> None:
    """Measure, print, and write the results."""
    project = make_project()
    for name in ("HANDRAIL_PROJECT", "HANDRAIL_HOME"):
        os.environ.pop(name, None)
    os.environ["HANDRAIL_PROJECT"] = str(project)
    work_s = FULL_WORK_S if os.environ.get("FULL") else WORK_S
    with Servers(with_free_ports(load_settings())) as servers:
        os.environ["PREFECT_API_URL"] = f"{servers.start('prefect')}/api"
        servers.wait_ready("prefect", START_S)
        load = harness.quiet_load()
        arguments = [str(project), str(rounds_for(work_s / STEPS))]
        sides = {side: [side, *arguments] for side in ("handrail", "prefect", "scripts")}
        harness.measured(CASE, ["handrail", str(project), "1"], LIMIT_S)  # tables are made once, not at each run
        results = harness.interleaved(CASE, sides, limit_s=LIMIT_S)
    require_recorded(harness.REPEATS + 1)
    harness.finish("orchestration", rows_of(work_s, results), load, LIMIT_S)


if __name__ == "__main__":
    main()
