"""What DVC tracked in a git revision: read from the revision's own .dvc files and dvc.lock, without loading DVC."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from handrail.errors import Unavailable
from handrail.lineage.adapters.dvc.git_commits import GitCommits

CACHE = Path(".dvc") / "cache" / "files" / "md5"


def md5_at(project: Path, path: str, revision: str) -> str | None:
    """Return DVC's hash of what was at `path` in a git revision; None if it is not known.

    A file in a tracked folder is looked up in the list that DVC's local cache keeps of the folder; a file that git
    itself holds is hashed.
    """
    git = GitCommits(project)
    try:
        for tracked in (path, *map(str, PurePosixPath(path).parents)):
            md5 = _tracked(git, tracked, revision) if tracked != "." else None
            if md5:
                return md5 if tracked == path else _member(project, md5, path.removeprefix(f"{tracked}/"))
        content = git.content(path, revision)
    except Unavailable:
        return None
    return None if content is None else hashlib.md5(content, usedforsecurity=False).hexdigest()


def cached_file(project: Path, md5: str) -> Path | None:
    """Return the file with that content in the project's DVC cache; None if the cache is elsewhere or lacks it."""
    file = project / CACHE / md5[:2] / md5[2:]
    return file if file.is_file() else None


def _tracked(git: GitCommits, path: str, revision: str) -> str | None:
    """Return the hash of an output: of its own .dvc file, or of a stage in the project's dvc.lock."""
    beside = _read_yaml(git, f"{path}.dvc", revision)
    outputs = [(out, PurePosixPath(path).name) for out in _outputs([beside])]
    stages = _read_yaml(git, "dvc.lock", revision).get("stages")
    outputs += [(out, path) for out in _outputs(stages.values() if isinstance(stages, dict) else ())]
    return next((str(out["md5"]) for out, name in outputs if out.get("path") == name and out.get("md5")), None)


def _outputs(entries: Any) -> Iterator[dict[str, Any]]:
    for entry in entries:
        outs = entry.get("outs") if isinstance(entry, dict) else None
        yield from (out for out in outs if isinstance(out, dict)) if isinstance(outs, list) else ()


def _read_yaml(git: GitCommits, path: str, revision: str) -> dict[str, Any]:
    content = git.content(path, revision)
    try:
        found = yaml.safe_load(content) if content else None
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _member(project: Path, folder: str, path: str) -> str | None:
    listing = cached_file(project, folder)
    try:
        rows = json.loads(listing.read_bytes()) if listing else []
        return next((str(row["md5"]) for row in rows if row["relpath"] == path), None)
    except (OSError, ValueError, TypeError, KeyError):
        return None
