"""Would the tests notice? Change the code in small ways, one at a time, and run the tests that belong to it.

`make mutants` does as much as fits into BUDGET seconds and goes on at the next call: first with what survived, as tests
may notice it by now. The mutants are those of cosmic-ray, made in a copy of the project, so that an end at any moment
spoils nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest
import sqlalchemy  # noqa: F401 - loaded once, for all forks
import yaml

from infra.ci.mutant_places import Place, places_of
from infra.ci.mutant_report import KILLED, SURVIVED, TIMED_OUT, Result, write_report

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(".handrail") / "mutants"
EXPLAINED = Path("tests") / "equivalent_mutants.yaml"
LONGEST_S = 300
FORK = multiprocessing.get_context("fork")
OPTIONS = "-x -q -n 0 -p no:randomly -p no:cacheprovider --no-header"
SQL_OF_LINEAGE = (
    "tests/contracts/test_lineage_graph.py tests/contracts/test_lineage_events.py "
    "tests/contracts/test_lineage_outbox.py tests/contracts/test_lineage_pointers.py "
    "tests/contracts/test_lineage_tokens.py tests/adapters/lineage/sql"
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
    "plugins/handrail/feedback/domain/*.py": "tests/unit/feedback tests/contracts/test_feedback_amounts.py",
    "plugins/handrail/feedback/service.py": "tests/unit/feedback tests/contracts/test_feedback_amounts.py",
    "plugins/handrail/feedback/adapters/spool*.py": "tests/adapters/feedback/test_spool.py",
    "plugins/handrail/feedback/adapters/sql_*.py": SQL_OF_FEEDBACK,
    "plugins/handrail/lineage/domain/*.py": "tests/unit/lineage tests/contracts/test_lineage_graph.py",
    "plugins/handrail/lineage/service/*.py": "tests/unit/lineage tests/contracts/test_lineage_outbox.py",
    "plugins/handrail/lineage/adapters/sql/*.py": SQL_OF_LINEAGE,
    "plugins/handrail/reproduction/domain/*.py": "tests/unit/reproduction",
    "plugins/handrail/reproduction/service/*.py": "tests/unit/reproduction",
    "plugins/handrail/statistics/*.py": "tests/unit/statistics",
    "flows/steps/modelling/slices.py": "tests/flows/modelling/test_evaluate.py",
    "flows/steps/modelling/perturb.py": "tests/flows/modelling/test_evaluate.py",
    "flows/steps/modelling/onnx_file.py": "tests/flows/modelling/test_package.py",
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
    left = [place for place in every if place.key not in tried]
    random.Random(options.seed).shuffle(left)
    left = [*survivors, *left]
    for result in _try(left, wanted, options.budget_s):
        tried[result.place.key] = result
    explained = yaml.safe_load((ROOT / EXPLAINED).read_text(encoding="utf-8")) or []
    report = write_report(every, tried, explained)
    (ROOT / HOME / "report.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)
    return 0


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
    usual: dict[str, float] = {}
    with (ROOT / HOME / "results.jsonl").open("a", encoding="utf-8") as kept:
        for number, place in enumerate(places, 1):
            command = tests[place.file]
            if command not in usual:
                usual[command] = _usual_time(copy, command)
            if time.monotonic() > end:
                return
            result = Result(place, _outcome(copy, place, command, min(10 + 3 * usual[command], LONGEST_S)))
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


def _outcome(copy: Path, place: Place, tests: str, limit_s: float) -> str:
    """Return `killed`, `survived` or `timed out` for one mutant; the copy is as before afterwards."""
    file = copy / place.file
    before = file.read_text(encoding="utf-8")
    file.write_text(place.mutate(before), encoding="utf-8")
    try:
        return SURVIVED if _run(copy, tests, limit_s) == 0 else KILLED
    except subprocess.TimeoutExpired:
        return TIMED_OUT
    finally:
        file.write_text(before, encoding="utf-8")


def _usual_time(copy: Path, tests: str) -> float:
    """Return how many seconds the tests take on code that is not changed; they have to pass."""
    start = time.monotonic()
    if _run(copy, tests, LONGEST_S) != 0:
        raise SystemExit(f"The tests fail before anything is changed: {tests}")
    return time.monotonic() - start


def _run(copy: Path, tests: str, limit_s: float) -> int:
    """Return the exit code of the tests, run in a fork of this process, which has loaded the tools already.

    Raises:
        TimeoutExpired: they took longer than the limit.
    """
    process = FORK.Process(target=_test, args=(copy, tests))
    process.start()
    process.join(limit_s)
    if process.exitcode is None:
        assert process.pid is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        raise subprocess.TimeoutExpired(tests, limit_s)
    return process.exitcode


def _test(copy: Path, tests: str) -> None:
    os.setsid()
    os.chdir(copy)
    # In front of the installed project; without compiled files, which a change within a second would not renew.
    ahead = [str(copy / "plugins"), str(copy)]
    sys.path[:0], sys.dont_write_bytecode = ahead, True
    os.environ |= {"PYTHONPATH": os.pathsep.join(ahead), "PYTHONDONTWRITEBYTECODE": "1"}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os._exit(pytest.main([*OPTIONS.split(), *tests.split()]))


if __name__ == "__main__":
    sys.exit(main())
