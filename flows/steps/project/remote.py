"""Copies what a clone's commit names under DVC into the DVC remote, so that a lost cache loses nothing."""

from __future__ import annotations

from pathlib import Path

from flows.steps.project.workspace import git
from handrail.errors import Unavailable


def push(folder: Path) -> int:
    """Copy every output of the stages and every file with a committed `.dvc` file; return how many files were sent.

    A project without a default remote sends nothing. Safe to repeat.

    Raises:
        Unavailable: DVC cannot read or write something; the sentence is its own.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(folder)) as repo:
            if not repo.config["core"].get("remote"):
                return 0
            # DVC looks for no .dvc file in a folder that git ignores: these are named to it.
            tracked = [str(folder / path) for path in git(folder, "ls-files", "*.dvc").splitlines()]
            sent = int(repo.push())
            return sent + (int(repo.push(targets=tracked)) if tracked else 0)
    except (DvcException, OSError) as err:
        raise Unavailable("dvc push", str(err).rstrip("."), "Free the disk and run it again.") from err
