"""`make bench-serving`: one row a request at 1 and 16 clients, of Handrail's bento and of others in turn."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import harness, serving_handrail, serving_peers
from tests.benchmarks.harness import Row
from tests.benchmarks.serving_case import ASKED, Case, flights, with_codes
from tests.benchmarks.serving_peers import Missing, Side

LOAD = "tests.benchmarks.serving_load"
CLIENTS = (1, 16)
REPEATS = int(os.environ.get("REPEATS") or 5)
SECONDS = float(os.environ.get("SECONDS") or 1)
LIMIT_S = 120
CHECKED = 20
"""So many answers of each server are compared with the model's before anything is measured."""
OURS = "handrail"
CEILING = "ceiling"
BARE, TUNED, BATCHED, MLFLOW = "bare-bento", "bare-bento-tuned", "bento-batched", "mlflow-serve"
METRICS = {"throughput": "1/s", "p50_ms": "ms", "p99_ms": "ms", "cpu_ms": "ms"}
"""`cpu_ms` is what a request takes of the processor, over all processes of a server, whatever else runs."""
ROWS, FLIGHTS = "features in the request", "features looked up"
Found = Mapping[tuple[str, str, int], list[dict[str, Any]]]
"""Measurements by case, server and number of clients."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that answers: its case, its name, where, and the requests that it gets."""

    case: str
    name: str
    port: int
    requests: Path
    pid: int


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the project: what it is about, and the ratio or figure that was measured with what was aimed at."""

    about: str
    measured: float
    aim: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Whether it is reached."""
        return self.measured >= self.aim if self.at_least else self.measured <= self.aim


def measure(targets: Sequence[Target]) -> Found:
    """Load each server in turn, `REPEATS` times; stop if one of them did not answer a request."""
    found: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for number in range(REPEATS):
        harness.progress(f"round {number + 1} of {REPEATS}")
        for clients in CLIENTS:
            for each in targets:
                arguments = [str(each.requests), str(each.port), str(clients), str(SECONDS)]
                before = serving_peers.processor_seconds(each.pid)
                one = harness.measured(LOAD, arguments, LIMIT_S)
                if one is None or one["failed"]:
                    raise SystemExit(f"{each.name} ({each.case}) did not answer: {one and one['failed'][0]}")
                one["cpu_ms"] = 1e3 * (serving_peers.processor_seconds(each.pid) - before) / one["answers"]
                found.setdefault((each.case, each.name, clients), []).append(one)
    return found


def rows_of(found: Found) -> list[Row]:
    """Compare Handrail's bento with each server of its case, and batching with none; the generator stands alone."""
    rows = []
    for (case, name, clients), theirs in found.items():
        if name == CEILING:
            rows += [
                harness.alone(f"load generator, {clients}", metric, unit, [one[metric] for one in theirs])
                for metric, unit in METRICS.items()
            ]
        elif name != OURS:
            rows += _compared(case, clients, found[case, OURS, clients], (name, theirs))
        if name == BATCHED and (case, TUNED, clients) in found:
            rows += _compared("adaptive batching", clients, theirs, (TUNED, found[case, TUNED, clients]))
    return rows


def _compared(case: str, clients: int, mine: list[dict[str, Any]], peer: tuple[str, list[dict[str, Any]]]) -> list[Row]:
    said, (name, theirs) = f"{case}, {clients} client{'s' * (clients > 1)}", peer
    return [
        harness.compare(said, metric, unit, [one[metric] for one in mine], (name, [one[metric] for one in theirs]))
        for metric, unit in METRICS.items()
    ]


def goals_of(rows: Sequence[Row]) -> list[Goal]:
    """Return the goals of the project beside what was measured."""
    goals = []
    for row in rows:
        case, peer, is_alone = row.case, row.peer, row.case.endswith(" 1 client")
        if not case.startswith((ROWS, FLIGHTS)) or row.ours is None or row.theirs is None:
            continue
        if row.metric == "throughput" and peer in (BARE, TUNED):
            goals.append(Goal(f"{case}: throughput / {peer}'s", row.ours / row.theirs, 0.95, at_least=True))
        elif row.metric == "throughput" and peer == MLFLOW and not is_alone:
            goals.append(Goal(f"{case}: throughput / {peer}'s", row.ours / row.theirs, 8, at_least=True))
        elif row.metric == "p50_ms" and peer in (BARE, TUNED) and is_alone:
            goals.append(Goal(f"{case}: p50 over {peer}'s, us", 1e3 * (row.ours - row.theirs), 50, at_least=False))
        elif row.metric == "p99_ms" and peer == BARE:
            goals.append(Goal(f"{case}: p99, ms", row.ours, 10, at_least=False))
    return goals


def print_goals(goals: Sequence[Goal]) -> None:
    """Print a line for each goal."""
    table = Table(title="goals", box=None)
    for column in ("about", "measured", "goal", ""):
        table.add_column(column)
    for goal in goals:
        sign = ">=" if goal.at_least else "<="
        table.add_row(goal.about, f"{goal.measured:.3g}", f"{sign} {goal.aim:g}", "met" if goal.is_met else "not met")
    Console(width=140).print(table)


def prepared(folder: Path, stack: ExitStack) -> tuple[list[Target], dict[str, str]]:
    """Start every server and hold its answers against the model; return them, and those that cannot be measured."""
    harness.progress("two projects, their models and their bentos")
    looked_up = serving_handrail.with_lookup(folder / "with")
    brought = serving_handrail.without_lookup(folder / "without", looked_up.case)
    asked = {"rows": [brought.case.row(number) for number in range(1, ASKED + 1)], "flights": flights()}
    asked["coded"] = [with_codes(row, brought.case.features) for row in asked["rows"]]
    sides, missing = serving_peers.sides_of_rows()
    sides += serving_peers.sides_of_flights(looked_up.settings.project, looked_up.settings.home)
    sides.append(Side(CEILING, "rows", (sys.executable, "ceiling.py")))
    targets = []
    for project, case, of in ((looked_up, FLIGHTS, "flights"), (brought, ROWS, "rows")):
        file = folder / f"{OURS}-{of}.ndjson"
        port, pid = stack.enter_context(serving_handrail.deployed(project, file, asked[of]))
        targets.append(Target(case, OURS, port, file, pid))
    for side in sides:
        # One after another: some give up where the machine is busy.
        harness.progress(f"{side.name}, {side.asked}")
        is_looked_up = side.asked == "flights"
        model = (looked_up if is_looked_up else brought).case.folder
        server = stack.enter_context(serving_peers.start(side, model, folder, asked[side.asked]))
        try:
            server.await_ready()
        except Missing as err:
            missing[side.name] = str(err)
            continue
        targets.append(Target(FLIGHTS if is_looked_up else ROWS, side.name, server.port, server.requests, server.pid))
    _require_right(targets, looked_up.case, brought.case, asked)
    return targets, missing


def _require_right(
    targets: Sequence[Target], looked_up: Case, brought: Case, asked: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    known = {
        FLIGHTS: serving_handrail.expected_of_flights(looked_up, asked["flights"][:CHECKED]),
        ROWS: brought.expected(asked["rows"][:CHECKED]),
    }
    for each in targets:
        if each.name != CEILING:
            answers = serving_peers.answers(each.requests, each.port, CHECKED)
            serving_peers.require_scores(f"{each.name} ({each.case})", answers, known[each.case])


def main() -> None:
    """Measure, print, and write the results; REPEATS and SECONDS change how much."""
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=harness.RESULTS) as folder, ExitStack() as stack:
        targets, missing = prepared(Path(folder), stack)
        load = harness.quiet_load()
        found = measure(targets)
    rows = rows_of(found)
    notes = [f"{name}: not measured, {reason}" for name, reason in missing.items()]
    harness.finish("serving", rows, load, LIMIT_S, notes)
    print_goals(goals_of(rows))


if __name__ == "__main__":
    main()
