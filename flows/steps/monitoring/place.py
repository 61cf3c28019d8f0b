"""Where a flow works and what is in force there: the first line of its log."""

from __future__ import annotations

from pathlib import Path

from flows.steps.monitoring.config import limits_in_words
from flows.steps.project.workspace import git
from handrail.objectives import read_objectives
from handrail.use_case import read_use_case


def place_of(folder: Path) -> str:
    """Say in which folder a flow works, at which commit, and which limits of metrics are in force there.

    Raises:
        Misconfigured: the description or the objectives cannot be read.
        Unavailable: the folder is not a git repository.
    """
    head = git(folder, "rev-parse", "HEAD")
    limits = limits_in_words(read_use_case(folder), read_objectives(folder / "config"))
    return f"Works in {folder} at commit {head[:12]}; limits: {limits or 'none'}."
