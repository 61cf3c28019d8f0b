"""Finds the repository that holds a commit, reads files of it, and checks it out into a new folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from handrail.errors import Unavailable, UnknownReference
from handrail.lineage.adapters.dvc.git_commits import GitCommits, run_git
from handrail.reproduction.domain.recorded import CommitPlace
from handrail.reproduction.ports import CommitSource

TIMEOUT_S = 600
SHALLOW = " (a shallow clone, which lacks older commits: git fetch --unshallow)"
DEEPEST = 4
MOST_LATER = 50
SKIPPED = {"artifacts", "logs", "reproduce", "bentoml", "prefect", "node_modules", "__pycache__"}
_COMMIT = re.compile(r"[0-9a-f]{40}")


class GitCheckout(CommitSource):
    """Local repositories: the project's, the clones below home, or the one that was named."""

    def __init__(self, project: Path, home: Path, named: str | None = None) -> None:
        """Look into `named` (a folder or an address that git can clone) if given, else in `project` and below `home`.

        A DVC project in a subfolder of its repository is looked for in the same subfolder of the clones.
        """
        self._project, self._home, self._named = project, home, named

    def holding(self, commits: Sequence[str]) -> tuple[CommitPlace, ...]:
        """Return where each of these commits is found; commits that no repository holds are left out.

        Raises:
            Unavailable: git is missing, or the named repository cannot be read.
        """
        places = []
        for commit in commits:
            for folder, prefix in self._repositories():
                if _COMMIT.fullmatch(commit) and _run(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None:
                    places.append(CommitPlace(commit, str(folder), prefix))
                    break
        return tuple(places)

    def later(self, place: CommitPlace) -> tuple[CommitPlace, ...]:
        """Return the commits of any branch that came after this one and changed a dvc.lock, the next one first."""
        locks = f":(top,glob){place.prefix}**/dvc.lock"
        asked = ("rev-list", "--reverse", "--topo-order", "--all", "--ancestry-path", f"^{place.commit}", "--", locks)
        found = (_run(Path(place.repository), *asked) or b"").decode().split()
        return tuple(replace(place, commit=commit) for commit in found[:MOST_LATER])

    def searched(self) -> tuple[str, ...]:
        """Return the repositories that are looked into, and which of them lack older commits."""
        found = (folder for folder, _ in self._repositories())
        return tuple(f"{folder}{SHALLOW if GitCommits(folder).is_shallow() else ''}" for folder in found)

    def check_out(self, place: CommitPlace, folder: Path) -> Path:
        """Fetch that one commit into `folder`, check it out, and return the folder of the project in it.

        Raises:
            Unavailable: git fails, as on a full disk; the sentence is git's own.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ".git").is_dir():
            _must(folder, "init", "--quiet")
        _must(folder, "fetch", "--quiet", "--no-tags", place.repository, place.commit)
        _must(folder, "checkout", "--quiet", "--force", "--detach", place.commit)
        return folder / place.prefix

    def _repositories(self) -> Iterator[tuple[Path, str]]:
        if self._named is not None:
            folder = Path(self._named)
            git = GitCommits(folder.resolve())
            yield (git.top, git.prefix) if folder.is_dir() else (self._mirror(self._named), "")
            return
        git = GitCommits(self._project)
        yield git.top, git.prefix
        for folder in sorted(_clones(self._home)):
            yield folder, git.prefix

    def _mirror(self, address: str) -> Path:
        """Clone a repository that is elsewhere, without its files, or bring that clone up to date."""
        folder = self._home / "reproduce" / "repositories" / hashlib.sha256(address.encode()).hexdigest()[:16]
        if folder.is_dir():
            _must(folder, "fetch", "--quiet", address, "+refs/*:refs/*")
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            _must(folder.parent, "clone", "--quiet", "--bare", "--", address, folder.name)
        except Unavailable as err:
            raise UnknownReference(
                "repository", address, "Give a folder, or an address that git can clone without asking."
            ) from err
        return folder


def _clones(home: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(home):
        if ".git" in names:
            yield Path(folder)
            names.clear()
        elif len(Path(folder).relative_to(home).parts) >= DEEPEST:
            names.clear()
        else:
            names[:] = [name for name in names if name not in SKIPPED]


def _run(folder: Path, *arguments: str) -> bytes | None:
    done = run_git(folder, *arguments, timeout_s=TIMEOUT_S)
    return done.stdout if done.returncode == 0 else None


def _must(folder: Path, *arguments: str) -> None:
    done = run_git(folder, *arguments, timeout_s=TIMEOUT_S)
    if done.returncode:
        printed = done.stderr.decode(errors="replace").strip().splitlines() or ["it printed nothing"]
        raise Unavailable(f"git {arguments[0]}", printed[-1].rstrip("."), "Correct that and run it again.")
