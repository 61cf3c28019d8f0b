"""The demo's own clone of this repository, so that the user's checkout stays untouched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from handrail.errors import Unavailable

AUTHOR = {
    "GIT_AUTHOR_NAME": "Handrail demo",
    "GIT_AUTHOR_EMAIL": "demo@handrail.invalid",
    "GIT_COMMITTER_NAME": "Handrail demo",
    "GIT_COMMITTER_EMAIL": "demo@handrail.invalid",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` as the demo's author and return what it prints.

    Raises:
        Unavailable: git ends with an error.
    """
    run = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, env=os.environ | AUTHOR, check=False
    )
    if run.returncode:
        raise Unavailable(
            f"git {arguments[0]}", (run.stderr or run.stdout).strip().rstrip("."), "Correct that and run it again."
        )
    return run.stdout.strip()


def open_clone(checkout: Path, clone: Path) -> str:
    """Clone the checkout's HEAD, or bring an earlier clone to it; returns the commit that the clone starts from.

    A clone that already contains that commit is left as it is, so that a second run has nothing to do again.
    """
    head = git(checkout, "rev-parse", "HEAD")
    if not (clone / ".git").is_dir():
        clone.parent.mkdir(parents=True, exist_ok=True)
        git(clone.parent, "clone", "--quiet", str(checkout), clone.name)
    if not _contains(clone, head):
        git(clone, "fetch", "--quiet", "origin", head)
        git(clone, "tag", "--force", f"before/{head[:12]}")  # keeps the commits that earlier lineage names
        git(clone, "reset", "--quiet", "--hard", head)
    return head


def commit(clone: Path, message: str, *paths: str) -> str:
    """Commit those paths if they changed, and return the clone's HEAD."""
    git(clone, "add", "--", *paths)
    if git(clone, "status", "--porcelain", "--untracked-files=no", "--", *paths):
        git(clone, "commit", "--quiet", "--message", message, "--", *paths)
    return git(clone, "rev-parse", "HEAD")


def _contains(clone: Path, commit_id: str) -> bool:
    run = subprocess.run(
        ["git", "-C", str(clone), "merge-base", "--is-ancestor", commit_id, "HEAD"], capture_output=True, check=False
    )
    return run.returncode == 0
