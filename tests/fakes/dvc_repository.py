"""A git repository with real DVC in it, for tests of what DVC alone leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DVC = (sys.executable, "-m", "dvc")
IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")


def run(folder: Path, *command: str) -> str:
    """Run a command in the repository and return what it printed; it must succeed."""
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / ".dvc" / "site")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commit everything and return the commit."""
    run(folder, "git", "add", "-A")
    run(folder, "git", *IDENTITY, "commit", "-q", "--allow-empty", "-m", message)
    return run(folder, "git", "rev-parse", "HEAD")


def make_repository(folder: Path) -> Path:
    """Make an empty repository under git and DVC."""
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, "git", "init", "-q")
    run(folder, *DVC, "init", "-q")
    return folder


def add(folder: Path, path: str, text: str) -> None:
    """Write a file and put it under DVC by `dvc add`, alone or with what lies beside it if `path` is a folder."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    run(folder, *DVC, "add", "-q", path)
