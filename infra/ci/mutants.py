"""Would the tests notice? Change the code in small ways, one at a time, and run the tests that belong to it.

`make mutants` does as much as fits into BUDGET seconds and goes on at the next call: first with what survived, as tests
may notice it by now. The mutants are those of cosmic-ray, made in a copy of the project, so that an end at any moment
spoils nothing.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

import hypothesis  # noqa: F401 - these are loaded once, for all forks
import numpy as np  # noqa: F401
import pydantic  # noqa: F401
import pytest
import sqlalchemy  # noqa: F401
import yaml

from infra.ci.mutant_places import Place, places_of
from infra.ci.mutant_reach import Chosen, Reach, ReachPlugin, function_at
from infra.ci.mutant_report import KILLED, SURVIVED, TIMED_OUT, Result, write_report

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(".handrail") / "mutants"
EXPLAINED = Path("tests") / "equivalent_mutants.yaml"
REACH = "reach.json"
LONGEST_S, WAITING_S, ENOUGH_S, QUICK_S = 300, 60, 15, 2
FORK = multiprocessing.get_context("fork")
OPTIONS = "-x -q -n 0 -p no:randomly -p no:cacheprovider --no-header"
# Plugins of others that no test uses, and that take longer to load than most tests.
OPTIONS += (
    " -p no:hydra_pytest -p no:faker -p no:typeguard -p no:platformdirs -W ignore::pytest.PytestAssertRewriteWarning"
)
LINEAGE = (
    "tests/unit/lineage tests/contracts/test_lineage_graph.py tests/contracts/test_lineage_events.py "
    "tests/contracts/test_lineage_outbox.py tests/contracts/test_lineage_pointers.py "
    "tests/contracts/test_lineage_tokens.py tests/contracts/test_lineage_predictions.py "
    "tests/adapters/lineage/sql tests/adapters/lineage/openlineage"
)
RULES_OF_FEEDBACK = (
    "tests/contracts/test_feedback_amounts.py tests/contracts/test_feedback_business_keys.py "
    "tests/contracts/test_feedback_quarantine.py"
)
SQL_OF_FEEDBACK = (
    "tests/contracts/test_feedback_logs.py tests/contracts/test_feedback_log_reader.py "
    "tests/contracts/test_feedback_deployments.py tests/contracts/test_feedback_snapshots.py "
    "tests/contracts/test_feedback_amounts.py tests/adapters/feedback/test_sql.py"
)
TESTS = {
    "plugins/handrail/approvals/domain/*.py": "tests/unit/approvals",
    "plugins/handrail/approvals/service/*.py": "tests/unit/approvals",
    "plugins/handrail/approvals/adapters/sql_ledger.py": "tests/contracts/test_approvals_ledger.py",
    "plugins/handrail/approvals/adapters/sql_custody.py": "tests/contracts/test_approvals_custody.py",
    "plugins/handrail/delivery/domain/*.py": "tests/unit/delivery",
    "plugins/handrail/delivery/service/*.py": "tests/unit/delivery",
    "plugins/handrail/feedback/domain/*.py": "tests/unit/feedback " + RULES_OF_FEEDBACK,
    "plugins/handrail/feedback/service/*.py": "tests/unit/feedback " + RULES_OF_FEEDBACK,
    "plugins/handrail/feedback/adapters/spool*.py": "tests/adapters/feedback/test_spool.py",
    "plugins/handrail/feedback/adapters/sql_*.py": SQL_OF_FEEDBACK,
    "plugins/handrail/lineage/domain/*.py": LINEAGE,
    "plugins/handrail/lineage/service/*.py": LINEAGE,
    "plugins/handrail/lineage/adapters/sql/*.py": LINEAGE,
    "plugins/handrail/reproduction/domain/*.py": "tests/unit/reproduction",
    "plugins/handrail/reproduction/service/*.py": "tests/unit/reproduction",
    "plugins/handrail/statistics/*.py": "tests/unit/statistics",
    "flows/steps/modelling/evaluate.py": "tests/flows/modelling/test_evaluate.py",
    "flows/steps/modelling/slices.py": "tests/flows/modelling/test_slices.py",
    "flows/steps/modelling/perturb.py": "tests/flows/modelling/test_perturb.py",
    "flows/steps/modelling/onnx_file.py": "tests/flows/modelling/test_onnx_file.py",
    "flows/steps/monitoring/config.py": "tests/flows/monitoring/test_config.py tests/flows/monitoring/test_findings.py",
    "flows/steps/monitoring/findings.py": "tests/flows/monitoring/test_findings.py",
    "flows/steps/monitoring/month.py": "tests/flows/monitoring/test_monitor.py",
    "flows/steps/monitoring/reports.py": "tests/flows/monitoring/test_reports.py",
    "flows/steps/data/rolling.py": "tests/flows/data/test_rolling.py",
    "flows/steps/replay/skew.py": "tests/flows/replay/test_skew.py",
}
"""Which tests belong to which files, quick ones first."""


@dataclass(frozen=True, slots=True)
class Options:
    """How long to try, which files, and in which order."""

    budget_s: float
    files: str
    seed: int


def main() -> int:
    """Try mutants until the time is over, write the report, and return 0."""
    options = Options(
        float(os.environ.get("BUDGET", "600")), os.environ.get("FILES", "*"), int(os.environ.get("SEED", "0"))
    )
    wanted = {file: tests for file, tests in _files() if fnmatch(file, options.files)}
    every = [place for file in wanted for place in places_of(ROOT, file)]
    tried = _read_results()
    survivors = [place for place in every if place.key in tried and tried[place.key].outcome == SURVIVED]
    left = _spread([place for place in every if place.key not in tried], options.seed)
    for result in _try([*survivors, *left], wanted, options.budget_s):
        tried[result.place.key] = result
    explained = yaml.safe_load((ROOT / EXPLAINED).read_text(encoding="utf-8")) or []
    report = write_report(every, tried, explained)
    (ROOT / HOME / "report.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)
    return 0


def _spread(places: list[Place], seed: int) -> list[Place]:
    """Return the places in an order in which each file has its turn, and each place of a file the same chance."""
    random.Random(seed).shuffle(places)
    turns: Counter[str] = Counter()
    ordered: list[tuple[int, int, Place]] = []
    for place in places:
        ordered.append((turns[place.file], len(ordered), place))
        turns[place.file] += 1
    return [place for _, _, place in sorted(ordered, key=lambda entry: entry[:2])]


def _files() -> Iterator[tuple[str, str]]:
    for pattern, tests in TESTS.items():
        for file in sorted(ROOT.glob(pattern)):
            if file.name != "__init__.py":
                yield file.relative_to(ROOT).as_posix(), tests


def _read_results() -> dict[str, Result]:
    file = ROOT / HOME / "results.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    rows = [json.loads(line) for line in lines]
    return {row["place"]["key"]: Result(Place(**row["place"]), row["outcome"]) for row in rows}


def _try(places: list[Place], tests: dict[str, str], budget_s: float) -> Iterator[Result]:
    """Yield the result of each mutant that there is time for, and keep it in a file."""
    end = time.monotonic() + budget_s
    (ROOT / HOME).mkdir(parents=True, exist_ok=True)
    copy = _copy_project()
    seen: dict[str, Reach] = {}
    with (ROOT / HOME / "results.jsonl").open("a", encoding="utf-8") as kept:
        for number, place in enumerate(places, 1):
            command = tests[place.file]
            if command not in seen:
                seen[command] = _watch(copy, command, [file for file in tests if tests[file] == command])
            if time.monotonic() > end:
                return
            result = Result(place, _outcome(copy, place, command, seen[command]))
            kept.write(json.dumps(asdict(result)) + "\n")
            kept.flush()
            sys.stderr.write(f"{number} of {len(places)}: {place.file}:{place.line} {result.outcome}\n")
            yield result


def _copy_project() -> Path:
    """Copy what git tracks, as it is in the working tree, into a folder of its own."""
    copy = ROOT / HOME / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def _outcome(copy: Path, place: Place, command: str, reach: Reach) -> str:
    """Return `killed`, `survived` or `timed out` for one mutant; the copy is as before afterwards."""
    file = copy / place.file
    before, made = file.read_text(encoding="utf-8"), file.stat()
    # What runs at import, or only in another process, is left to the tests of the file.
    begin = function_at(before, place.line)
    tests = (reach.tests_of(place.file, begin) if begin else ()) or reach.tests_of(place.file)
    file.write_text(place.mutate(before), encoding="utf-8")
    # Two changes within a second have to look like two: Python compares seconds.
    os.utime(file, (made.st_atime, made.st_mtime + LONGEST_S))
    try:
        # Nearly all are noticed by what is quick; loading the other tests would take longer.
        rounds = [part for part in reach.split(tests, QUICK_S, ENOUGH_S) if part] or [()]
        return SURVIVED if all(_try_round(copy, part, command, reach) for part in rounds) else KILLED
    except subprocess.TimeoutExpired:
        return TIMED_OUT
    finally:
        file.write_text(before, encoding="utf-8")
        os.utime(file, (made.st_atime, made.st_mtime))


def _try_round(copy: Path, tests: tuple[str, ...], command: str, reach: Reach) -> bool:
    """Return whether some tests, or all of a command if there are none, pass."""
    usual_s = reach.usual_s(tests or [*reach.seconds])
    files = " ".join(sorted({test.partition("::")[0] for test in tests})) or command
    return _run(copy, files, min(10 + 3 * usual_s, LONGEST_S), Chosen(tests) if tests else None) == 0


def _watch(copy: Path, command: str, files: list[str]) -> Reach:
    """Return which tests call which functions of some files; nothing is changed yet, and the tests have to pass."""
    if _run(copy, command, 4 * LONGEST_S, ReachPlugin(copy, files)) != 0:
        raise SystemExit(f"The tests fail before anything is changed: {command}")
    return Reach.read(copy.with_name(REACH))


def _run(copy: Path, tests: str, limit_s: float, plugin: ReachPlugin | Chosen | None) -> int:
    """Return the exit code of the tests, run in a fork of this process, which has loaded the tools already.

    The limit is one of processor time, which does not depend on what else is running; waiting may take longer.

    Raises:
        TimeoutExpired: they took longer than the limit.
    """
    process = FORK.Process(target=_test, args=(copy, tests, math.ceil(limit_s), plugin))
    process.start()
    process.join(WAITING_S + 10 * limit_s)
    if process.exitcode is None:
        assert process.pid is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    if process.exitcode in (-signal.SIGKILL, -signal.SIGXCPU):
        raise subprocess.TimeoutExpired(tests, limit_s)
    assert process.exitcode is not None
    return process.exitcode


def _test(copy: Path, tests: str, limit_s: int, plugin: ReachPlugin | Chosen | None) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
    os.chdir(copy)
    # In front of the installed project. Only unchanged code is kept compiled.
    ahead = [str(copy / "plugins"), str(copy)]
    sys.path[:0], sys.dont_write_bytecode = ahead, not isinstance(plugin, ReachPlugin)
    os.environ |= {"PYTHONPATH": os.pathsep.join(ahead), "PYTHONDONTWRITEBYTECODE": "1"}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    code = pytest.main([*OPTIONS.split(), *tests.split()], [plugin] if plugin else [])
    if isinstance(plugin, ReachPlugin):
        plugin.reach.write(copy.with_name(REACH))
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
