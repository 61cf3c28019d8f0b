"""Asks git, by its command, what a commit contains and which commits changed a file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from handrail.errors import InvalidInput, Unavailable

TIMEOUT_S = 60
FOREIGN = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")


class GitCommits:
    """The commits of the repository around one folder; paths are relative to that folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, commit: str) -> None:
        """Make sure that `commit` is known.

        Raises:
            InvalidInput: it is not.
        """
        named = len(commit) == 40 and not set(commit) - set("0123456789abcdef")
        if not named or self._run("cat-file", "-e", f"{commit}^{{commit}}") is None:
            raise InvalidInput(
                "commit",
                f"{commit!r} is not a commit of {self._folder.name}",
                "Give 40 digits, as of git rev-parse HEAD.",
            )

    def resolve(self, revision: str) -> str | None:
        """Return the commit (40 hex digits) that a branch, tag or beginning of one names; None if there is none."""
        found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return found.decode().strip() if found else None

    def files(self, commit: str, suffix: str) -> list[str]:
        """Return the files of a commit at or below the folder whose names end in `suffix`, by path."""
        out = self._run("ls-tree", "-r", "-z", "--name-only", commit) or b""
        return [path for path in out.decode(errors="surrogateescape").split("\0") if path.endswith(suffix)]

    def changes_of(self, path: str, commit: str, limit: int) -> list[str]:
        """Return up to `limit` commits that changed `path`, from `commit` back."""
        out = self._run("log", "--first-parent", "--format=%H", f"--max-count={limit}", commit, "--", path)
        return (out or b"").decode().split()

    def content(self, path: str, commit: str) -> bytes | None:
        """Return the bytes of a file in a commit; None if it is not in there."""
        return self._run("cat-file", "blob", f"{commit}:./{path}")

    def _run(self, *arguments: str) -> bytes | None:
        done = run_git(self._folder, *arguments)
        return done.stdout if done.returncode == 0 else None


def run_git(folder: Path, *arguments: str, timeout_s: float = TIMEOUT_S) -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder`, on the repository around it and no other, without asking anybody for a login.

    Raises:
        Unavailable: git is missing, or takes too long.
    """
    own = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {"GIT_TERMINAL_PROMPT": "0"}
    command = ["git", *arguments]
    try:
        return subprocess.run(command, cwd=folder, env=own, capture_output=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unavailable("git", str(err).rstrip("."), "Install git, and run this inside a checkout.") from err
