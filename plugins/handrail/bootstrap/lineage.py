"""Which adapters lineage uses, and the functions that flows and entry points need to open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import InvalidInput, Unavailable, UnknownReference
from handrail.lineage import data_at
from handrail.lineage.ports import LineagePorts, PredictionIndex
from handrail.lineage.service.lineage import Lineage
from handrail.refs import ArtifactVersion
from handrail.settings import Settings
from handrail.storage import Store, migrate

if TYPE_CHECKING:
    from handrail.feedback import FeedbackLog
    from handrail.lineage.adapters.sql.csr_reach import CsrReach

__all__ = [
    "find_commit",
    "find_repository_addresses",
    "migrated",
    "open_lineage",
    "path_artifact",
]


class FeedbackPredictions(PredictionIndex):
    """Answers lineage's questions about predictions from the feedback log."""

    def __init__(self, feedback: Callable[[], FeedbackLog]) -> None:
        """Ask the log that `feedback` opens, at the first question and not before."""
        self._feedback = feedback

    def deployment_of(self, prediction_id: str) -> str | None:
        """Return the URI of the deployment that made a prediction; None if there is no such prediction."""
        return self._feedback().made_by(prediction_id)

    def about(self, subject: str, most: int) -> Sequence[str]:
        """Return the ids of the latest predictions about a subject, up to `most`, newest first."""
        return [each.prediction_id for each in self._feedback().predictions_about(subject, most)]

    def count_predictions(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each deployment URI."""
        return self._feedback().count_predictions(deployments)

    def money(self, deployments: Sequence[str]) -> Mapping[str, Mapping[str, Decimal]]:
        """Return what feedback says that predictions of each deployment URI brought, by currency."""
        return self._feedback().amounts(deployments)


def open_lineage(
    settings: Settings, store: Store, feedback: Callable[[], FeedbackLog], *, in_memory: bool = False
) -> Lineage:
    """Open lineage in `store`, its tables brought up to date; `feedback` opens the log of predictions.

    With `in_memory` large closures are walked over a snapshot of the edges: for a process that stays (extra `server`).
    """
    from handrail.lineage.adapters.dvc.pipeline import DvcPipeline
    from handrail.lineage.adapters.openlineage.writer import write_events
    from handrail.lineage.adapters.openlineage.yaml_sinks import read_sinks
    from handrail.lineage.adapters.sql.graph import SqlGraph
    from handrail.lineage.adapters.sql.pointers import SqlPointers

    return Lineage(
        LineagePorts(
            graph=SqlGraph(migrated(store), _csr(store) if in_memory else None),
            pointers=SqlPointers(store),
            predictions=FeedbackPredictions(feedback),
            pipelines=DvcPipeline(settings.repository),
            repository=settings.repository,
            write_events=write_events,
            sinks=tuple(sink.name for sink in read_sinks(settings.config)),
        )
    )


def migrated(store: Store) -> Store:
    """Return the store, its tables of lineage brought up to date."""
    from handrail.lineage.adapters.sql.tables import MIGRATIONS

    migrate(store, "lineage", MIGRATIONS)
    return store


def _csr(store: Store) -> CsrReach:
    from handrail.lineage.adapters.sql.csr_reach import CsrReach

    return CsrReach(store)


def find_commit(project: Path, revision: str = "HEAD") -> str:
    """Return the commit (40 hex digits) that a branch, a tag or the beginning of a commit names in `project`.

    Raises:
        UnknownReference: the folder is under no git, or git knows no such revision.
    """
    from handrail.lineage.adapters.dvc.git_commits import GitCommits

    git = GitCommits(project)
    commit = git.resolve(revision)
    if commit is None:
        remedy = f"Run git log in {project.name}: lineage needs a commit to name."
        shallow = "This clone is shallow, and lacks older commits: run git fetch --unshallow."
        raise UnknownReference("commit", revision, shallow if git.is_shallow() else remedy)
    return commit


def find_repository_addresses(settings: Settings) -> tuple[str, ...]:
    """Return the addresses that the project's repository is known by: as configured, its remotes, its folder.

    A project under no git, as on a server, has only the configured one.
    """
    from handrail.lineage.adapters.dvc.git_commits import GitCommits

    try:
        remotes = GitCommits(settings.project).addresses()
    except Unavailable:
        remotes = []
    given = [settings.repository_url] if settings.repository_url else []
    return (*given, *remotes, str(settings.project))


def path_artifact(settings: Settings, project: Path, path: str) -> ArtifactVersion:
    """Hash one file or folder of `project` (a path relative to it) and return it as the DVC data version it is.

    Raises:
        InvalidInput: the path leads out of the project.
        Unavailable: nothing is there, or it cannot be read.
    """
    from handrail.bootstrap.dvc_files import ProjectFiles, hash_file, hash_name_on_disk

    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise InvalidInput("path", f"{path!r} leads out of the project", "Give a path below it, as in dvc.yaml.")
    is_folder = (project / path).is_dir()
    try:
        name = hash_name_on_disk(project, path)
        files = ProjectFiles.of_dvc(project)
        found = files.folder(path, name) if is_folder else hash_file(project / path, path, name)
    except OSError as err:
        remedy = "Let this user read every file in it." if is_folder else "Write the file first."
        raise Unavailable(path, err.strerror or "it cannot be read", remedy) from err
    return data_at(settings.repository, path, found.md5, found.sha256)
