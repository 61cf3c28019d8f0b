"""Which commit of which repository ran, as the tags of a run or of a logged model name it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from handrail.entrypoints.mlflow.collect.records import Naming
from handrail.lineage import artifact_at
from handrail.refs import ArtifactVersion, GitCommit

GIT, DIRTY, REPOSITORY = "handrail.git_commit", "handrail.git_dirty", "handrail.repository"
MLFLOW_GIT = (
    ("mlflow.source.git.commit", "mlflow.source.git.repoURL", "mlflow.source.git.dirty"),
    ("mlflow.git.commit", "mlflow.git.repo_url", "mlflow.git.dirty"),
)
"""MLflow's own tags of runs, and those of logged models: commit, address of the repository, changed files."""
CODE_TAGS = frozenset({GIT, DIRTY, REPOSITORY, *(tag for tags in MLFLOW_GIT for tag in tags)})
MOST_IN_A_NAME = 200
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Code:
    """The repository of a run, the commit that it used if no file was changed, and what else is known of both."""

    repository: str
    used: tuple[ArtifactVersion, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


def code_of(naming: Naming, tags: Mapping[str, str]) -> Code:
    """Return the code that the tags name: by Handrail's own tags if there are any, else by MLflow's.

    The repository is the one that Handrail's tag names, else the one at the address that MLflow gives for this very
    commit, else the project's. Of a dirty checkout, the commit is only an attribute.
    """
    commit, url, dirty = _said(tags)
    named = tags.get(REPOSITORY) or (naming.repository_at(url) if url else "") or naming.repository
    repository = short_name(named)
    if not _COMMIT.fullmatch(commit):
        return Code(repository)
    if dirty == "true":
        return Code(repository, (), {"git_commit": commit})
    # Without a word about changed files, nothing says that the commit is all that ran.
    used = artifact_at(GitCommit(repository, commit).uri, f"git:{commit}" if dirty else None)
    return Code(repository, (used,), {} if dirty else {"git_dirty": "unknown"})


def _said(tags: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the commit, the address of its repository, and whether files were changed; empty where nothing is said."""
    ours, dirty = tags.get(GIT, ""), tags.get(DIRTY, "")
    for commit_tag, url_tag, dirty_tag in MLFLOW_GIT:
        commit = tags.get(commit_tag, "")
        # The script may lie in another repository than the project that it runs for.
        if commit and commit == (ours or commit):
            return commit, tags.get(url_tag, ""), dirty or tags.get(dirty_tag, "").lower()
    return ours, "", dirty


def short_name(name: str) -> str:
    """Return a name that fits into a URI: a very long one is replaced by its sha256."""
    return name if len(name) <= MOST_IN_A_NAME else hashlib.sha256(name.encode()).hexdigest()
