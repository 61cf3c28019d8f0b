"""Asks git, by its command, what a commit contains and which commits changed a file."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from handrail.errors import InvalidInput, Unavailable

TIMEOUT_S = 60
FOREIGN = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")


class GitCommits:
    """The commits of the repository around one folder; paths are relative to that folder."""

    def __init__(self, folder: Path, prefix: str | None = None) -> None:
        """Ask about `folder`; or, with `prefix`, about that folder of the repository `folder`, which may be bare."""
        self._folder, self._given = folder, prefix

    @cached_property
    def prefix(self) -> str:
        """The folder's place in its repository: empty for the top and without git, else ending in a slash."""
        if self._given is not None:
            return self._given
        return (self._try("rev-parse", "--show-prefix") or b"").decode(errors="surrogateescape").rstrip("\n")

    @property
    def top(self) -> Path:
        """The top of the repository; the folder itself without one."""
        depth = self.prefix.count("/") if self._given is None else 0
        return self._folder.resolve().parents[depth - 1] if depth else self._folder

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

    def files(self, commit: str, suffix: str = "") -> list[str]:
        """Return the files of a commit at or below the folder whose names end in `suffix`, by path."""
        folder = f"{commit}:{self.prefix.rstrip('/')}"
        out = self._run("ls-tree", "-r", "-z", "--full-tree", "--name-only", folder) or b""
        return [path for path in _split(out) if path.endswith(suffix)]

    def files_on_disk(self, suffix: str) -> list[str] | None:
        """Return the files in the folder that git does not ignore and that end so, by path; None if there is no git."""
        out = self._try("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f"*{suffix}")
        return None if out is None else sorted({path for path in _split(out) if (self._folder / path).is_file()})

    def moments(self, commits: Iterable[str]) -> Mapping[str, datetime]:
        """Return when each commit (40 hex digits) was made, as its committer says; unknown ones are not in it."""
        asked = sorted(set(commits))
        out = self._run("log", "--no-walk=unsorted", "--ignore-missing", "--format=%H %ct", *asked) if asked else None
        lines = (line.split() for line in (out or b"").decode().splitlines())
        return {commit: datetime.fromtimestamp(int(seconds), UTC) for commit, seconds in lines}

    def is_shallow(self) -> bool:
        """Return whether this clone lacks older commits."""
        return (self._run("rev-parse", "--is-shallow-repository") or b"").strip() == b"true"

    def changes_of(self, path: str, commit: str, limit: int) -> list[str]:
        """Return up to `limit` commits that changed `path`, from `commit` back."""
        asked = f":(top,literal){self.prefix}{path}"
        out = self._run("log", "--first-parent", "--format=%H", f"--max-count={limit}", commit, "--", asked)
        return (out or b"").decode().split()

    def history_of(self, path: str, commit: str, limit: int) -> Mapping[str, bytes]:
        """Return what `path` held at `commit` and its ancestors that changed it, on any branch, the oldest first.

        Of more than `limit` changes, the latest; a commit without the file is left out.
        """
        asked = ("log", "--full-history", "--topo-order", "--format=%H", f"--max-count={limit}", commit)
        out = self._run(*asked, "--", f":(top,literal){self.prefix}{path}") or b""
        names = {older: self._name(path, older) for older in reversed(out.decode().split())}
        found = self._batch(names.values())
        return {older: found[name] for older, name in names.items() if name in found}

    def content(self, path: str, commit: str) -> bytes | None:
        """Return the bytes of a file in a commit; None if it is not in there."""
        return self._run("cat-file", "blob", self._name(path, commit))

    def addresses(self) -> list[str]:
        """Return the addresses of the repository's remotes."""
        out = self._run("config", "--get-regexp", r"^remote\..*\.url$") or b""
        return [line.partition(" ")[2] for line in out.decode(errors="replace").splitlines()]

    def contents(self, paths: Iterable[str], commit: str) -> Mapping[str, bytes]:
        """Return the bytes of many files of a commit by path; what is not in there is left out."""
        names = {path: self._name(path, commit) for path in paths}
        found = self._batch(names.values())
        return {path: found[name] for path, name in names.items() if name in found}

    def _batch(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Return the bytes of files by git's names of them, `commit:path`; what is not there is left out."""
        asked = [name for name in names if "\n" not in name]
        given = "".join(f"{name}\n" for name in asked).encode(errors="surrogateescape")
        out, found = self._run("cat-file", "--batch", given=given) or b"", {}
        for name in asked:
            head, _, out = out.partition(b"\n")
            words = head.rsplit(b" ", 2)
            if words[-1].isdigit():
                size = int(words[-1])
                if words[-2] == b"blob":
                    found[name] = out[:size]
                out = out[size + 1 :]
        return found

    def _name(self, path: str, commit: str) -> str:
        return f"{commit}:{posixpath.normpath(self.prefix + path)}"

    def _try(self, *arguments: str) -> bytes | None:
        """Ask git, which a machine that only reads files need not have."""
        try:
            return self._run(*arguments)
        except Unavailable:
            return None

    def _run(self, *arguments: str, given: bytes = b"") -> bytes | None:
        done = run_git(self._folder, *arguments, given=given)
        return done.stdout if done.returncode == 0 else None


def run_git(
    folder: Path, *arguments: str, timeout_s: float = TIMEOUT_S, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder`, on the repository around it and no other, without asking anybody for a login.

    Raises:
        Unavailable: git is missing, or takes too long.
    """
    own = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {"GIT_TERMINAL_PROMPT": "0"}
    command = ["git", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, env=own, input=given, capture_output=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unavailable("git", str(err).rstrip("."), "Install git, and run this inside a checkout.") from err


def _split(out: bytes) -> list[str]:
    return out.decode(errors="surrogateescape").split("\0")
