"""`make bench-online-features`: features read directly beside `get_online_features`, over SQLite and Redis."""

from __future__ import annotations

import os
from typing import Any

from tests.benchmarks import harness
from tests.benchmarks.harness import Row

CASE = "tests.benchmarks.online_features_case"
LIMIT_S = 120
REPEATS = int(os.environ.get("REPEATS") or 5)


def rows_of(case: str, mine: list[dict[str, Any]], theirs: list[dict[str, Any]] | None) -> list[Row]:
    """Compare the clock and the processor, and name what the on-demand view takes of it."""
    rows = [
        harness.compare(
            case, name, "us", [one[name] for one in mine], ("feast", theirs and [one[name] for one in theirs])
        )
        for name in ("wall_us", "cpu_us")
    ]
    return [*rows, harness.alone(case, "its on-demand view", "us", [one["on_demand_cpu_us"] for one in mine])]


def main() -> None:
    """Measure, print, and write the results; REPEATS changes how often."""
    stores = {"sqlite": "", **({"redis": "-redis"} if os.environ.get("HANDRAIL_TEST_REDIS_URL") else {})}
    load, rows = harness.quiet_load(), []
    for store, suffix in stores.items():
        for count in (1, 100):
            sides = {side: [f"{side}{suffix}", str(count)] for side in ("handrail", "feast")}
            results = harness.interleaved(CASE, sides, repeats=REPEATS, limit_s=LIMIT_S)
            mine = results["handrail"]
            if mine:
                rows += rows_of(f"{store}, {count} row{'s' * (count > 1)}", mine, results["feast"])
    harness.finish("online-features", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
