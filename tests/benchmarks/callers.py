"""`make bench-callers`: a guarded request by the token, a key and an issuer's token, beside one that nobody checks."""

from __future__ import annotations

import os

from tests.benchmarks import harness

CASE = "tests.benchmarks.callers_case"
LIMIT_S = 60
REPEATS = int(os.environ.get("REPEATS") or 5)
WAYS = {"token": "the token", "key": "a key", "RS256": "an issuer's token, RS256", "ES256": "an issuer's token, ES256"}
OPEN = "open"


def main() -> None:
    """Measure, print, and write the results; REPEATS changes how often."""
    load = harness.quiet_load()
    results = harness.interleaved(CASE, {way: [way] for way in (*WAYS, OPEN)}, repeats=REPEATS, limit_s=LIMIT_S)
    theirs, rows = results[OPEN], []
    for way, case in WAYS.items():
        mine = results[way] or []
        for metric in ("wall_us", "cpu_us"):
            peer = ("no-caller", theirs and [one[metric] for one in theirs])
            rows.append(harness.compare(case, metric, "us", [one[metric] for one in mine], peer))
    harness.finish("callers", rows, load, LIMIT_S)


if __name__ == "__main__":
    main()
