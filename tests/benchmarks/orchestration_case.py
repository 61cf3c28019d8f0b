"""One side of the benchmark `orchestration` in a process of its own: six steps that read, compute and write files."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = 6
MEGABYTES = 4
BLOCK = 1 << 20

spent = 0.0
"""Seconds in which the recorded side gathered and wrote lineage."""


def step(source: str, target: str, rounds: int) -> None:
    """Read a file, compress it so many times, and write as much again."""
    data = Path(source).read_bytes()
    checksum = 0
    for level in range(rounds):
        checksum = zlib.crc32(zlib.compress(data[: 2 * BLOCK], 4), checksum ^ level)
    Path(target).write_bytes(bytes(byte ^ (checksum & 0xFF) for byte in data[:BLOCK]) + data[BLOCK:])


def paths() -> list[tuple[str, str]]:
    """Return what each step reads and writes."""
    return [(f"data/{number}.bin", f"data/{number + 1}.bin") for number in range(STEPS)]


def bare(rounds: int) -> None:
    """Run the steps as a script would."""
    for source, target in paths():
        step(source, target, rounds)


def orchestrated(rounds: int, wrap: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Run the steps as tasks of a Prefect flow; `wrap` is what is put around a step's function."""
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE

    run_step: Any = task(name="step", cache_policy=NO_CACHE)(wrap(step))

    @flow
    def pipeline(rounds: int) -> None:
        for source, target in paths():
            run_step(source, target, rounds)

    pipeline(rounds)


def recorded(rounds: int) -> None:
    """Run the same flow with each step's files recorded, and measure how long recording takes."""
    from handrail.entrypoints.prefect import calls
    from handrail.entrypoints.prefect.recorder import record

    for name in ("_begin", "_end"):
        setattr(calls.Call, name, _timed(getattr(calls.Call, name)))
    orchestrated(rounds, record(inputs=lambda source: source, outputs=lambda target: target))


def _timed(method: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*args: Any) -> Any:
        global spent
        begin = time.perf_counter()
        try:
            return method(*args)
        finally:
            spent += time.perf_counter() - begin

    return measured


SIDES: dict[str, Callable[[int], None]] = {
    "handrail": recorded,
    "prefect": lambda rounds: orchestrated(rounds, lambda function: function),
    "scripts": bare,
}


def since_start() -> float:
    """Return the seconds since this process was started, Python's own start and all imports included."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run one side and print its figures as JSON: arguments are side, project folder, rounds of work in a step."""
    side, folder, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    os.chdir(folder)
    for _, target in paths():
        Path(target).unlink(missing_ok=True)
    SIDES[side](rounds)
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"wall_s": since_start(), "cpu_s": used.ru_utime + used.ru_stime, "recording_s": spent}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
