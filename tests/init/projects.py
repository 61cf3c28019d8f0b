"""Projects that `handrail init` writes, run whole: small, on tables that share no word with the reference project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loop.conftest import git, plain_environment

PROGRAMS = Path(sys.executable).parent
WITHIN_S = 1500
OF_MAKE = frozenset({"TESTS", "JOBS", "STOP", "FLAGS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"})
SMALL = ((r"draws: 500", "draws: 50"), (r"max_iter: 150", "max_iter: 30"))
"""What makes a run short and changes nothing that is looked at."""


@dataclass(frozen=True)
class Made:
    """A project after its demo: what it says, and what it found."""

    folder: Path
    said: str

    @property
    def summary(self) -> dict[str, Any]:
        """What the demo wrote at its end."""
        written: dict[str, Any] = json.loads((self.folder / ".handrail" / "demo" / "summary.json").read_text())
        return written

    def figures(self, step: str) -> dict[str, Any]:
        """Return what the demo reported of a step."""
        found: dict[str, Any] = next(each["figures"] for each in self.summary["steps"] if each["name"] == step)
        return found


def run(folder: Path, *command: str, **variables: str) -> str:
    """Run a command in a project, with this process's programs, and return what it prints."""
    # A `make` above this process hands its own variables down.
    outer = {name: value for name, value in plain_environment().items() if name not in OF_MAKE}
    environment = outer | {"BIN": str(PROGRAMS), "DVC_NO_ANALYTICS": "1"} | variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=WITHIN_S)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def make_small(project: Path) -> None:
    """Commit parameters with which a run is short."""
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    for long, short in SMALL:
        text, count = re.subn(long, short, text)
        assert count == 1
    params.write_text(text, encoding="utf-8")
    git(project, "commit", "--quiet", "--all", "--message", "Small")


def make_project(folder: Path, table: Path, *flags: str) -> Made:
    """Write a project for a table, and run its demo."""
    handrail = str(PROGRAMS / "handrail")
    run(folder.parent, handrail, "init", folder.name, "--table", str(table), "--yes", *flags)
    make_small(folder)
    return Made(folder, run(folder, "make", "demo"))


def texts_of(project: Path) -> str:
    """Return everything that git holds of a project, in one text."""
    names = git(project, "ls-files", "-z").split("\0")
    return os.linesep.join((project / name).read_text(encoding="utf-8") for name in filter(None, names))
