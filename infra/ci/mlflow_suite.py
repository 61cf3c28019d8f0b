"""Runs MLflow's own tests against stock basic-auth and against the Handrail app: what stock passes, ours passes.

`make test-mlflow-suite MLFLOW_SOURCE=/folder/of/mlflow`: a checkout of MLflow, best of the installed version; its tests
are in no package. What may fail is in mlflow_suite.yaml, each with its reason.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from infra.ci.mlflow_suite_plugin import FOLDER, OURS, RESULTS, SIDE, STOCK

ROOT = Path(__file__).resolve().parents[2]
LISTED = Path(__file__).with_suffix(".yaml")
FILES = (
    "tests/tracking/test_model_registry.py",
    "tests/tracking/test_rest_tracking.py",
    "tests/tracking/test_client_webhooks.py",
    "tests/server/auth/test_client.py",
    "tests/server/auth/test_client_rbac.py",
    "tests/server/auth/test_auth.py",
)
PLUGIN = "infra.ci.mlflow_suite_plugin"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs of the same tests: what stock passes and ours does not, apart from what is listed."""

    stock: Mapping[str, str]
    ours: Mapping[str, str]
    listed: Mapping[str, str]

    @property
    def worse(self) -> list[str]:
        """Tests that stock passes and ours does not."""
        return sorted(test for test, said in self.stock.items() if said == "passed" and self.ours.get(test) != "passed")

    @property
    def unexpected(self) -> list[str]:
        """Those of them that no line of the list is about."""
        return [test for test in self.worse if self.reason(test) is None]

    @property
    def needless(self) -> list[str]:
        """Lines of the list about tests that were run, and of which ours fails none."""
        return [
            line for line in self.listed if fnmatch.filter(self.ours, line) and not fnmatch.filter(self.worse, line)
        ]

    def reason(self, test: str) -> str | None:
        """Return why this test may fail with ours."""
        return next((why for line, why in self.listed.items() if fnmatch.fnmatchcase(test, line)), None)


def main(files: Iterable[str]) -> int:
    """Return 1 if a test fails with ours only, and its reason is not listed."""
    source = Path(os.environ.get("MLFLOW_SOURCE", ""))
    chosen = [each for each in files or FILES if (source / each.partition("::")[0]).is_file()]
    if not os.environ.get("MLFLOW_SOURCE") or not chosen:
        sys.stderr.write(f"error: {str(source)!r} has no tests of MLflow. Name a checkout in MLFLOW_SOURCE.\n")
        return 2
    listed: dict[str, str] = yaml.safe_load(LISTED.read_text(encoding="utf-8"))
    compared = Compared(run(source, STOCK, chosen), run(source, OURS, chosen), listed)
    again = compared.unexpected
    if again:  # what fails only now and then, fails with both
        sys.stdout.write(f"{len(again)} once more, alone.\n")
        stock, ours = run(source, STOCK, again), run(source, OURS, again)
        compared = Compared({**compared.stock, **stock}, {**compared.ours, **ours}, listed)
    sys.stdout.write(report(compared))
    return 1 if compared.unexpected else 0


def run(source: Path, app: str, tests: Iterable[str]) -> dict[str, str]:
    """Return what became of each test with this app, each file in a process of its own."""
    by_file: dict[str, list[str]] = {}
    for test in tests:
        by_file.setdefault(test.partition("::")[0], []).append(test)
    outcomes: dict[str, str] = {}
    for file, chosen in by_file.items():
        sys.stdout.write(f"{app.partition('.')[0]}: {file}\n")
        sys.stdout.flush()
        outcomes |= _run_one(source, app, chosen)
    return outcomes


def _run_one(source: Path, app: str, tests: list[str]) -> dict[str, str]:
    with TemporaryDirectory(prefix="mlflow-suite-") as name:
        folder = Path(name)
        (folder / "results").mkdir()
        variables = {SIDE: app, FOLDER: name, RESULTS: str(folder / "results"), "HANDRAIL_PROJECT": str(ROOT)}
        variables |= {"PYTHONPATH": os.pathsep.join((str(source), str(ROOT))), "DO_NOT_TRACK": "true"}
        line = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-p", "no:randomly", "-q"]
        line += ["-c", str(_settings(folder)), "--rootdir", str(source), "-n", os.environ.get("JOBS", "0"), *tests]
        log = Path(os.environ.get("MLFLOW_SUITE_LOG", os.devnull))
        with log.open("ab") as output:
            done = subprocess.run(
                line, cwd=source, env=os.environ | variables, stdout=output, stderr=output, check=False
            )
        if done.returncode not in (0, 1):
            raise SystemExit(f"error: The tests could not be run; see {log} (MLFLOW_SUITE_LOG names another file).")
        found: dict[str, str] = {}
        for part in (folder / "results").iterdir():
            found |= json.loads(part.read_text(encoding="utf-8"))
        return found


def _settings(folder: Path) -> Path:
    """Write settings for pytest: those of the checkout name plugins that are not installed here."""
    file = folder / "pytest.ini"
    file.write_text("[pytest]\naddopts = --import-mode=prepend\n", encoding="utf-8")
    return file


def report(compared: Compared) -> str:
    """Return the figures, what is listed with its reason, and what is not listed."""
    lines = []
    for name, side in (("stock", compared.stock), ("handrail", compared.ours)):
        counts = Counter(side.values())
        lines.append(f"{name}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    reasons = Counter(compared.reason(test) for test in compared.worse)
    lines += [f"listed, {count}: {why}" for why, count in reasons.items() if why]
    lines += [f"needless line: {line}" for line in compared.needless]
    lines += [f"fails with handrail only: {test}" for test in compared.unexpected]
    lines.append(f"{len(compared.unexpected)} fail with handrail only and are not listed.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
