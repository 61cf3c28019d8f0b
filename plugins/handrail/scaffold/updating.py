"""Brings the template of the installed Handrail into a project: as a commit on its own branch, which git merges."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from handrail.errors import Refused, Unavailable, UnknownReference
from handrail.scaffold.git import TEMPLATE_BRANCH, branch_folder, commit_all, git, has_git
from handrail.scaffold.record import read_draft
from handrail.scaffold.rendering import TEMPLATE, render
from handrail.scaffold.requirement import own_requirement
from handrail.version import __version__

DATA = "data/"
"""Below it nothing is rendered."""


def update(project: Path, template: Path = TEMPLATE) -> bool:
    """Commit the installed template, rendered for a project, on its branch; return False if nothing changed.

    Raises:
        MissingFile: `handrail init` did not write this project.
        Refused: something is not committed.
        UnknownReference: the branch is gone.
        Unavailable: git is not installed, or refuses.
    """
    draft = replace(read_draft(project), handrail=own_requirement())
    if not has_git():
        raise Unavailable("git", "it is not installed", "Install it: the update is a branch to merge.")
    if git(project, "status", "--porcelain", "--untracked-files=no").strip():
        raise Refused("Updating the project", ("Something is not committed: commit it first, or stash it.",))
    if not git(project, "branch", "--list", TEMPLATE_BRANCH).strip():
        remedy = f"Make it at the commit that handrail init wrote: git branch {TEMPLATE_BRANCH} <commit>"
        raise UnknownReference("branch", TEMPLATE_BRANCH, remedy)
    with (
        tempfile.TemporaryDirectory() as place,
        branch_folder(project, TEMPLATE_BRANCH, Path(place) / "template") as folder,
    ):
        for name in git(folder, "ls-files", "-z").split("\0"):
            if name and not name.startswith(DATA):
                (folder / name).unlink(missing_ok=True)
        render(draft, folder, template)
        return commit_all(folder, f"Template of Handrail {__version__}")
