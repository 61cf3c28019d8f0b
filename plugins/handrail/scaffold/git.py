"""Git for new projects: a first commit, and a branch that holds what the template gave."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.errors import Unavailable

TEMPLATE_BRANCH = "handrail-template"
NOBODY = ("-c", "user.name=handrail init", "-c", "user.email=init@handrail.invalid")
OWN = ("-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false")


def has_git() -> bool:
    """Say whether git is installed."""
    return shutil.which("git") is not None


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it printed.

    Raises:
        Unavailable: git refused, with its own sentence.
    """
    done = _run(folder, *arguments)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        raise Unavailable(
            f"git {arguments[0]}", said[0].removeprefix("fatal: ").rstrip("."), "Correct that, and try again."
        )
    return done.stdout


def start(folder: Path) -> None:
    """Make a repository of a folder."""
    git(folder, "init", "--quiet", "--initial-branch=main")


def commit_all(folder: Path, message: str) -> bool:
    """Commit everything that is not ignored; return False if nothing changed."""
    git(folder, "add", "--all")
    if _run(folder, "diff", "--cached", "--quiet").returncode == 0:
        return False
    known = _run(folder, "var", "GIT_COMMITTER_IDENT").returncode == 0 and git(folder, "config", "user.email").strip()
    who = () if known else NOBODY
    git(folder, *who, *OWN, "commit", "--quiet", "--no-verify", f"--message={message}")
    return True


@contextmanager
def branch_folder(project: Path, branch: str, place: Path) -> Iterator[Path]:
    """Check a branch out into a new folder `place`, beside what the project has checked out."""
    git(project, "worktree", "add", "--quiet", str(place), branch)
    try:
        yield place
    finally:
        _run(project, "worktree", "remove", "--force", str(place))


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = {name: value for name, value in os.environ.items() if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment | identity, capture_output=True, text=True, errors="replace"
    )
