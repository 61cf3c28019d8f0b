"""Clones to work and commit in, so that nobody's checkout is ever touched: of flows, of challengers, of the demo."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from handrail.bootstrap.dvc_files import cache_of
from handrail.errors import Unavailable
from handrail.settings import Settings

FLOWS = "flows"
"""Who commits in a clone unless a caller says otherwise."""


def open_workspace(settings: Settings, project: Path | None = None) -> Path:
    """Return a clone of `project` (the settings' own if None) that a flow may work in.

    A project that already lies under the settings' home is such a clone, and is used as it is. Any other is
    cloned to `<home>/pipeline/project` at its HEAD; what is not committed there stays out. An earlier clone that
    holds that commit keeps the commits that it made since. The clone shares the project's DVC cache if there is one, so
    that what `dvc repro` made there is restored and not made again.

    Raises:
        Unavailable: the project is not a git repository, or git fails.
    """
    source = (project or settings.project).resolve()
    if source.is_relative_to(settings.home):
        git(source, "rev-parse", "HEAD")
        return source
    folder = settings.home / "pipeline" / "project"
    bring_clone(source, folder)
    cache = cache_of(source)
    configure_dvc(folder, settings.home / "dvc-remote", cache if cache.is_dir() else None)
    return folder


def challenger_folder(settings: Settings, name: str = "project") -> Path:
    """Return where the clone of a challenger is, made or not."""
    return settings.home / "retrain" / name


def open_challenger_clone(settings: Settings, name: str = "project") -> Path:
    """Return a clone of the project at its HEAD under home/retrain/<name>; an earlier one keeps its commits.

    It shares the project's DVC cache, wherever `cache.dir` puts it, so that stages which the project ran are restored
    and not run again.

    Raises:
        Unavailable: the project is not a git repository, or git fails.
    """
    folder = challenger_folder(settings, name)
    bring_clone(settings.project, folder)
    configure_dvc(folder, settings.home / "dvc-remote", cache_of(settings.project))
    return folder


def bring_clone(source: Path, folder: Path, committer: str = FLOWS) -> None:
    """Clone `source` at its HEAD to `folder`, or bring an earlier clone to it.

    A clone that contains the commit already is left as it is, so that a second run has nothing to do again.

    Raises:
        Unavailable: the source is not a git repository, or git fails.
    """
    head = git(source, "rev-parse", "HEAD", committer=committer)
    if not (folder / ".git").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        git(folder.parent, "clone", "--quiet", str(source), folder.name, committer=committer)
    if not _agrees(folder, "merge-base", "--is-ancestor", head, "HEAD"):
        git(folder, "fetch", "--quiet", str(source), head, committer=committer)
        # The tag keeps the commits that earlier lineage names.
        git(folder, "tag", "--force", f"before/{head[:12]}", committer=committer)
        git(folder, "reset", "--quiet", "--hard", head, committer=committer)


def follow(source: Path, folder: Path, committer: str = FLOWS) -> str:
    """Merge the HEAD of `source` into a clone that made commits of its own; return that HEAD. Safe to repeat.

    Raises:
        Unavailable: git fails; the clone is left as it was. Of a conflict the files are named.
    """
    head = git(source, "rev-parse", "HEAD")
    if _agrees(folder, "merge-base", "--is-ancestor", head, "HEAD"):
        return head
    git(folder, "fetch", "--quiet", str(source), head, committer=committer)
    try:
        git(folder, "merge", "--quiet", "--no-edit", "--message", f"Follow {head[:12]}", head, committer=committer)
    except Unavailable as err:
        files = git(folder, "diff", "--name-only", "--diff-filter=U").splitlines()
        if not files:
            raise
        git(folder, "merge", "--abort", committer=committer)
        problem = f"commit {head[:12]} changes what it changed itself: {', '.join(files)}"
        raise Unavailable(str(folder), problem, f"Merge it there: git -C {folder} pull {source} HEAD.") from err
    return head


def uncommitted(folder: Path) -> list[str]:
    """Return the tracked files of a repository that differ from its HEAD, by path."""
    return git(folder, "diff", "--name-only", "HEAD", "--").splitlines()


def configure_dvc(folder: Path, remote: Path, cache: Path | None = None) -> None:
    """Point a clone's DVC remote, relative to its own folder in .dvc/config, at `remote`, and its cache at `cache`."""
    local = folder / ".dvc" / "config.local"
    text = f"[cache]\n    dir = {cache}\n" if cache else ""
    text += f"['remote \"local\"']\n    url = {remote}\n"
    if not local.exists() or local.read_text(encoding="utf-8") != text:
        local.write_text(text, encoding="utf-8")


def commit(folder: Path, message: str, paths: Sequence[str], committer: str = FLOWS) -> str:
    """Commit those of `paths` that exist, changed and are not ignored; return the clone's HEAD. Safe to repeat."""
    there = [
        path
        for path in paths
        if (folder / path).exists() and not _agrees(folder, "check-ignore", "--quiet", "--", path)
    ]
    if there:
        git(folder, "add", "--", *there, committer=committer)
    if there and git(folder, "diff", "--cached", "--name-only", "--", *there):
        git(folder, "commit", "--quiet", "--message", message, "--", *there, committer=committer)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str, committer: str = FLOWS) -> str:
    """Run git in `folder` as Handrail's `committer` and return what it prints.

    Raises:
        Unavailable: git ends with an error; the sentence is git's own.
    """
    run = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, env=committer_environment(committer)
    )
    if run.returncode:
        problem = (run.stderr or run.stdout).strip().splitlines() or ["it printed nothing"]
        raise Unavailable(f"git {arguments[0]} in {folder}", problem[-1].rstrip("."), "Correct that and run it again.")
    return run.stdout.strip()


def committer_environment(committer: str = FLOWS) -> dict[str, str]:
    """Return this process's environment with Handrail's `committer` as git's author and committer."""
    # What git sets for its own hooks would point at another repository.
    inherited = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_INDEX_FILE")}
    who = {"NAME": f"Handrail {committer}", "EMAIL": f"{committer}@handrail.invalid"}
    return inherited | {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}


def _agrees(folder: Path, *question: str) -> bool:
    return subprocess.run(["git", "-C", str(folder), *question], capture_output=True).returncode == 0
