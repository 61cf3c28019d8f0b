"""Evidently's reports in lineage: which bytes a report is, and which snapshot and data it is a function of.

`add_run` replaces `workspace.add_run` and records at once; `collect` reads a workspace that was written without it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from handrail import refs
from handrail.bootstrap import Platform
from handrail.clock import parse_moment
from handrail.entrypoints.hosts.named_data import named_data
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.hosts.recording import platform_here
from handrail.errors import HandrailError, InvalidInput, Unavailable
from handrail.lineage import ActivityDetails, artifact_at, check_uri, report_uri, snapshot_uri
from handrail.refs import ArtifactVersion
from handrail.tools import require

if TYPE_CHECKING:
    from evidently.core.report import Snapshot
    from evidently.ui.workspace import SnapshotRef, WorkspaceBase

TOOL = "evidently"
SNAPSHOT_IN_METADATA = "feedback_snapshot"
OWN_SNAPSHOTS = refs.FeedbackSnapshot("").uri
SUCCESS = "SUCCESS"
_log = logging.getLogger("handrail.lineage")


@dataclass(frozen=True, slots=True)
class Sources:
    """What a report was made of, each as a path in the project or a URI; `snapshot` may be `sha256:<hex>` alone."""

    snapshot: str | None = None
    current: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as a workspace holds it; `metadata` is what its maker wrote beside it."""

    artifact: ArtifactVersion
    evaluation: str
    as_of: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


def add_run(
    workspace: WorkspaceBase, project_id: Any, run: Snapshot, sources: Sources | None = None, **options: Any
) -> SnapshotRef:
    """Add a run to a workspace as `workspace.add_run` does, and record the stored report with what it was made of.

    Without `sources.snapshot` the run's metadata `feedback_snapshot` counts. `options` are those of
    `workspace.add_run`. A failure to record is logged in one sentence; the run is added all the same, and only
    Evidently's own errors are raised.
    """
    added = workspace.add_run(project_id, run, **options)
    with never_fail(f"the run {added.id}"):
        _record_added(read_report(workspace, project_id, added.id), sources)
    return added


def _record_added(report: StoredReport, sources: Sources | None) -> None:
    uri, platform = report.artifact.uri, platform_here()
    with never_fail(uri) as attempt:
        for sentence in record_report(platform, report, sources):
            _log.warning("The record of %s is incomplete. %s", uri, sentence)
    if not attempt.done:
        _log.warning("handrail lineage collect evidently records %s later, without its data.", uri)


def record_report(platform: Platform, report: StoredReport, sources: Sources | None = None) -> tuple[str, ...]:
    """Record a stored report: its digest, and what it was made of as far as that is known. Safe to repeat.

    Returns:
        A sentence for each source that is left out, and one for a snapshot that the feedback store does not know.
    """
    sources, missing = sources or Sources(), list[str]()
    snapshot, *data = (
        _found(missing, name, place, find)
        for name, place, find in (
            ("snapshot", sources.snapshot or report.metadata.get(SNAPSHOT_IN_METADATA), _snapshot),
            ("current", sources.current, partial(named_data, platform.settings)),
            ("reference", sources.reference, partial(named_data, platform.settings)),
        )
    )
    platform.lineage.record_activity(
        report.evaluation,
        "evaluation",
        used=[each for each in (snapshot, *data) if each],
        generated=[report.artifact],
        details=ActivityDetails(attributes={"as_of": report.as_of.isoformat()}, asserted_by=TOOL),
    )
    if snapshot:
        platform.lineage.record_report(report.artifact, snapshot)
        missing += _unknown(platform, snapshot)
    return tuple(missing)


def read_report(workspace: WorkspaceBase | _Files, project_id: Any, run_id: Any) -> StoredReport:
    """Read a report back as the workspace holds it: its digest is that of the JSON that Evidently gives of it.

    Raises:
        Unavailable: it is not there, or cannot be read.
    """
    require("evidently", "evidently")
    from evidently.core.report import Snapshot

    try:
        project = workspace.get_project(project_id)
        model = workspace.get_run(project_id, run_id)
        content = Snapshot.load_model(model).json()
        tests = json.loads(content)["tests"]
    except Exception as err:  # noqa: BLE001 - a damaged file fails in Evidently in any way
        said = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise Unavailable(f"The report {run_id}", f"it cannot be read: {said}", "Delete it, or make it again.") from err
    name = project.name if project else str(project_id)
    attributes = {"name": model.name or "", "tests": str(len(tests)), "workspace_project": str(project_id)}
    attributes["failed"] = str(sum(test["status"] != SUCCESS for test in tests))
    digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    return StoredReport(
        ArtifactVersion(
            report_uri(name, str(run_id)), "report", digest, {key: value for key, value in attributes.items() if value}
        ),
        f"evidently://{quote(name, safe='@:+~.-_')}/evaluation/{run_id}",
        parse_moment(model.timestamp.isoformat()),
        {str(key): str(value) for key, value in (model.metadata or {}).items()},
    )


def collect(folder: Path) -> Iterator[StoredReport | HandrailError]:
    """Return every report of a local workspace, or why it cannot be read, project by project.

    Raises:
        Unavailable: there is no workspace.
        MissingTool: Evidently is not installed.
    """
    require("evidently", "evidently")
    if not folder.is_dir():
        raise Unavailable(
            f"The workspace {folder}", "it does not exist", "Name the folder that `evidently ui` is given."
        )
    reports = _Files(folder)
    for project_id, run_id in reports.runs():
        try:
            yield read_report(reports, project_id, run_id)
        except HandrailError as err:
            yield err


class _Files:
    """A local workspace, read file by file: Evidently's own class reads all at once, and fails if one is damaged."""

    def __init__(self, folder: Path) -> None:
        from evidently.ui.storage.local.base import LocalState

        self._folder = folder
        self._state = LocalState(str(folder))

    def runs(self) -> list[tuple[str, str]]:
        """Return project and run of every report, in the order of their ids."""
        return sorted((file.parts[-3], file.stem) for file in self._folder.glob("*/snapshots/*.json"))

    def get_project(self, project_id: str) -> Any:
        return self._state.read_project(project_id)

    def get_run(self, project_id: str, run_id: str) -> Any:
        return self._state.read_snapshot(project_id, run_id)


def _found(
    missing: list[str], name: str, place: str | None, find: Callable[[str], ArtifactVersion]
) -> ArtifactVersion | None:
    """Return what a source names; None, with the reason in `missing`, if it names nothing usable."""
    if not place:
        return None
    try:
        found = find(place)
        check_uri(name, found.uri)
        return found
    except HandrailError as err:
        missing.append(f"{name} is left out: {err}")
        return None


def _unknown(platform: Platform, snapshot: ArtifactVersion) -> list[str]:
    """Return a sentence if a snapshot should be in the feedback store and is not; the link to it is asserted only."""
    if not snapshot.uri.startswith(OWN_SNAPSHOTS):
        return []
    try:
        if platform.feedback.knows_snapshot(snapshot.digest or ""):
            return []
    except HandrailError as err:
        return [f"Whether the feedback store holds the snapshot {snapshot.digest} is unknown. {err}"]
    return [
        f"The feedback store knows no snapshot {snapshot.digest}: the link to it is recorded as asserted. "
        "Take the digest from: handrail feedback snapshot."
    ]


def _snapshot(named: str) -> ArtifactVersion:
    """Return the feedback snapshot of that URI or digest; its digest is the last part of its URI."""
    uri = named if "://" in named else f"{OWN_SNAPSHOTS}{named}"
    digest = uri.rpartition("/")[2]
    if not uri.startswith("feedback://") or ":" not in digest:
        raise InvalidInput("snapshot", f"{named!r} is not a snapshot", "Give the digest of handrail feedback snapshot.")
    snapshot_uri("handrail", digest)  # refuses what is not a digest
    return artifact_at(uri, digest)
