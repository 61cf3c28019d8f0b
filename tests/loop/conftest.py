"""The whole loop, once a session: the short demo in a copy of this checkout, as a new user would run it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOP_WITHIN_S = 2400
OURS = ("HANDRAIL_", "MLFLOW_", "PREFECT_", "BENTOML_", "DVC_", "MAKE")
SAID = pytest.StashKey()


@dataclass(frozen=True)
class Loop:
    """A finished short demo: its checkout, summary and screen, and how the checkout looked before and after."""

    checkout: Path
    first: dict
    said: str
    before: str
    after: str

    @property
    def clone(self):
        return self.checkout / ".handrail" / "demo" / "project"

    def figures(self, step):
        """Return what the first run reported of a step."""
        return next(each["figures"] for each in self.first["steps"] if each["name"] == step)

    def run(self, *command, folder=None):
        """Run one of the installed programs by name, as a user in this checkout's `handrail env`."""
        program = Path(sys.executable).with_name(command[0])
        environment = plain_environment() | {"HANDRAIL_HOME": str(self.checkout / ".handrail")}
        environment |= {"HANDRAIL_PROJECT": str(self.clone), "DVC_NO_ANALYTICS": "1"}
        return subprocess.run(
            [program, *command[1:]],
            cwd=folder or self.clone,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )


def read_summary(checkout):
    """Return what the newest demo in a checkout wrote."""
    return json.loads((checkout / ".handrail" / "demo" / "summary.json").read_text())


def plain_environment():
    """Return this process's environment without what would point tools elsewhere, the venv's programs first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def git(folder, *arguments):
    author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid"]
    run = subprocess.run(["git", "-C", folder, *author, *arguments], capture_output=True, text=True, check=True)
    return run.stdout


def copy_checkout(folder):
    """Copy what git would track of this checkout, changes included, into a repository of its own."""
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A copy")


def pytest_terminal_summary(terminalreporter, config):
    """Show the demo's screen, where this very process ran it."""
    if SAID in config.stash:
        terminalreporter.section("the loop, on fewer flights")
        terminalreporter.write_line(config.stash[SAID])


@pytest.fixture(scope="session")
def loop(request, tmp_path_factory):
    checkout = tmp_path_factory.mktemp("loop") / "checkout"
    checkout.mkdir()
    copy_checkout(checkout)
    before = git(checkout, "status", "--porcelain")

    # As a user types it; what is installed is installed already.
    run = subprocess.run(
        ["make", "--old-file=setup", f"BIN={Path(sys.executable).parent}", "demo-short"],
        cwd=checkout,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=LOOP_WITHIN_S,
    )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    request.config.stash[SAID] = run.stdout
    return Loop(checkout, read_summary(checkout), run.stdout, before, git(checkout, "status", "--porcelain"))
