"""The clone in which flows work and commit, so that nobody's checkout is ever touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handrail.errors import Unavailable
from handrail.settings import Settings

COMMITTER = {
    "GIT_AUTHOR_NAME": "Handrail flows",
    "GIT_AUTHOR_EMAIL": "flows@handrail.invalid",
    "GIT_COMMITTER_NAME": "Handrail flows",
    "GIT_COMMITTER_EMAIL": "flows@handrail.invalid",
}


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone that flows may change: its folder, and the commit it stands at."""

    folder: Path
    commit: str


def open_workspace(settings: Settings, project: Path | None = None, name: str = "pipeline") -> Clone:
    """Return a clone of `project` (the settings' own if None) that a flow may work in.

    A project that already lies under the settings' home is such a clone, and is used as it is. Any other is
    cloned to `<home>/<name>/project` at its HEAD; what is not committed there stays out. An earlier clone that
    holds that commit goes on from where it stands.

    Raises:
        Unavailable: the project is no git repository, or git fails.
    """
    source = (project or settings.project).resolve()
    if source.is_relative_to(settings.home):
        return Clone(source, git(source, "rev-parse", "HEAD"))
    head = git(source, "rev-parse", "HEAD")
    folder = settings.home / name / "project"
    if not (folder / ".git").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        git(folder.parent, "clone", "--quiet", str(source), folder.name)
    if not _holds(folder, head):
        git(folder, "fetch", "--quiet", str(source), head)
        git(folder, "tag", "--force", f"before/{head[:12]}")  # keeps the commits that earlier lineage names
        git(folder, "reset", "--quiet", "--hard", head)
    share_remote(settings, folder)
    return Clone(folder, git(folder, "rev-parse", "HEAD"))


def commit(folder: Path, message: str, paths: Sequence[str]) -> str:
    """Commit those of `paths` that exist, changed and are not ignored; return the clone's HEAD. Safe to repeat."""
    there = [path for path in paths if (folder / path).exists() and not _is_ignored(folder, path)]
    if there:
        git(folder, "add", "--", *there)
    if there and git(folder, "diff", "--cached", "--name-only", "--", *there):
        git(folder, "commit", "--quiet", "--message", message, "--", *there)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` as the flows' committer and return what it prints.

    Raises:
        Unavailable: git ends with an error; the sentence is git's own.
    """
    run = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, env=_as_committer())
    if run.returncode:
        problem = (run.stderr or run.stdout).strip().splitlines() or ["it said nothing"]
        raise Unavailable(f"git {arguments[0]} in {folder}", problem[-1].rstrip("."), "Correct that and run it again.")
    return run.stdout.strip()


def _as_committer() -> dict[str, str]:
    # What git sets for its own hooks would point at another repository.
    inherited = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_INDEX_FILE")}
    return inherited | COMMITTER


def _holds(folder: Path, commit_id: str) -> bool:
    return _agrees(folder, "merge-base", "--is-ancestor", commit_id, "HEAD")


def _is_ignored(folder: Path, path: str) -> bool:
    return _agrees(folder, "check-ignore", "--quiet", "--", path)


def _agrees(folder: Path, *question: str) -> bool:
    return subprocess.run(["git", "-C", str(folder), *question], capture_output=True).returncode == 0


def share_remote(settings: Settings, folder: Path) -> None:
    """Point the clone's DVC remote, relative to its own folder in .dvc/config, at the one under home."""
    local = folder / ".dvc" / "config.local"
    text = f"['remote \"local\"']\n    url = {settings.home / 'dvc-remote'}\n"
    if not local.exists() or local.read_text(encoding="utf-8") != text:
        local.write_text(text, encoding="utf-8")
