"""`make bench-batch-scoring`: as many rows as a year of flights, verified, scored and recorded, beside ONNX Runtime."""

from __future__ import annotations

import os
from typing import Any

from tests.benchmarks import harness
from tests.benchmarks.batch_scoring_case import network
from tests.benchmarks.harness import Row

CASE = "tests.benchmarks.batch_scoring_case"
LIMIT_S = 300
ROWS = int(os.environ.get("ROWS") or 336_776)
REPEATS = int(os.environ.get("REPEATS") or 5)


def rows_of(mine: list[dict[str, Any]], raw: list[dict[str, Any]]) -> list[Row]:
    """Compare the whole and its steps with the raw scores; stop if the two sides scored differently."""
    if not all(one["is_right"] for one in mine) or {round(one["checksum"], 1) for one in (*mine, *raw)} != {
        round(raw[0]["checksum"], 1)
    }:
        raise SystemExit("The two sides scored other rows, or scored them differently.")
    theirs = ("onnxruntime", [one["wall_s"] for one in raw])
    case = f"{ROWS:,} rows"
    steps = {
        "verify, encode, score": lambda one: one["verify_s"] + one["score_s"],
        "the same, recorded": lambda one: one["wall_s"],
        "verify alone": lambda one: one["verify_s"],
        "record alone": lambda one: one["record_s"],
    }
    rows = [harness.compare(case, name, "s", [of(one) for one in mine], theirs) for name, of in steps.items()]
    cpu = ("onnxruntime", [one["cpu_s"] for one in raw])
    return [*rows, harness.compare(case, "CPU, recorded", "s", [one["cpu_s"] for one in mine], cpu)]


def main() -> None:
    """Measure, print, and write the results; ROWS and REPEATS change how much."""
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    network()
    load = harness.quiet_load()
    sides = {side: [side, str(ROWS)] for side in ("handrail", "onnxruntime")}
    results = harness.interleaved(CASE, sides, repeats=REPEATS, limit_s=LIMIT_S)
    mine, raw = results["handrail"], results["onnxruntime"]
    if not mine or not raw:
        raise SystemExit(f"A side took over {LIMIT_S} s.")
    harness.finish("batch-scoring", rows_of(mine, raw), load, LIMIT_S)


if __name__ == "__main__":
    main()
