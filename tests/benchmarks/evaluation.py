"""The gate's evaluation of 28,220 rows with paired tests over days, beside its code in process and scikit-learn.

Ours also measures everyday measures and 31 groups for both models, which scikit-learn is not asked for.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from tests.benchmarks import harness
from tests.benchmarks.evaluation_case import ROWS

CASE = "tests.benchmarks.evaluation_case"
PEER, SAME_CODE = "scikit-learn", "in-process"
PEER_LIMIT_S = 180
LIMIT_S = 5.0
SAME = 1e-6


def main() -> None:
    """Measure each side in turn, check that all found the same, print the table beside the limit, and keep it."""
    load = harness.quiet_load()
    found = harness.interleaved(CASE, {side: [side] for side in ("gate", SAME_CODE)})
    # It draws rows one by one, and needs more than half a minute: once, or as often as the others with FULL=1.
    times = harness.REPEATS if os.environ.get("FULL") else 1
    found |= harness.interleaved(CASE, {PEER: [PEER]}, times, PEER_LIMIT_S)
    ours = found["gate"] or []
    for side in (SAME_CODE, PEER):
        if theirs := found[side]:
            _require_the_same(ours[0], theirs[0])
    case, seconds = f"evaluate {ROWS:,} rows, two models", [run["seconds"] for run in ours]
    rows = [
        harness.compare(case, "wall", "s", seconds, (side, [run["seconds"] for run in found[side] or ()]))
        for side in (SAME_CODE, PEER)
    ]
    rows.append(harness.compare(case, "wall", "s", seconds, ("limit", [LIMIT_S])))
    harness.finish("evaluation", rows, load, PEER_LIMIT_S)


def _require_the_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    differing: Sequence[str] = [
        f"{name} is {ours[name]!r} and {theirs[name]!r}"
        for name in ours
        if name != "seconds" and not math.isclose(ours[name], theirs[name], abs_tol=SAME)
    ]
    if differing:
        raise SystemExit(f"Both sides have to find the same: {'; '.join(differing)}.")


if __name__ == "__main__":
    main()
