"""A historical read as lineage: what was asked, which bytes the sources had before and after, what came out."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from handrail.clock import system_time
from handrail.entrypoints.feast.provider.frames import digest_of
from handrail.entrypoints.feast.provider.project import ASSERTED_BY, RecordedProject
from handrail.entrypoints.feast.provider.sources import Sources, changed
from handrail.entrypoints.feast.provider.tracking import active_run, name_inputs
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.lineage import ActivityDetails, Lineage, artifact_at
from handrail.refs import ArtifactVersion, TrackingRun

KIND = "feature-retrieval"
ROWS_KIND = "feature-rows"
_log = logging.getLogger("handrail.lineage")
_Frame = TypeVar("_Frame")
_retrieved: dict[int, tuple[weakref.ref[Any], str, RecordedProject]] = {}


def retrieval_of(frame: object) -> str | None:
    """Return the URI of the retrieval that gave this very frame or table; None if none did.

    Not in `frame.attrs`: pandas writes those into every parquet file, whose bytes would then differ from run to run.
    """
    origin = _origin(frame)
    return origin[0] if origin else None


def rows_of(frame: object) -> ArtifactVersion | None:
    """Return what lineage calls the rows in this very frame or table, for what is made of them."""
    uri = retrieval_of(frame)
    return artifact_at(f"{uri}/rows") if uri else None


def same_rows(frame: _Frame, of: object) -> _Frame:
    """Return `frame`, noting that it was made from the rows `of` another one, if these are of a retrieval."""
    origin = _origin(of)
    if origin:
        remember(frame, *origin)
    return frame


def record_file(path: Path, frame: object) -> None:
    """Record that a file was written from the rows of `frame`; nothing if they are of no retrieval."""
    origin = _origin(frame)
    if origin:
        uri, project = origin

        def write(lineage: Lineage) -> None:
            file = Sources(project).at(path.absolute(), path.name)
            lineage.derive(file, artifact_at(f"{uri}/rows"), asserted_by=ASSERTED_BY)

        project.record(str(path), write)


def remember(frame: object, uri: str, project: RecordedProject) -> None:
    """Keep which retrieval gave a frame, for as long as it lives; what cannot be referred to weakly is left out."""
    key = id(frame)
    name_inputs(_rows_uri)
    try:
        _retrieved[key] = (weakref.ref(frame, lambda _: _retrieved.pop(key, None)), uri, project)
    except TypeError:
        _log.debug("Lineage cannot distinguish two frames of the class %s.", type(frame).__name__)


def _rows_uri(frame: object) -> str | None:
    rows = rows_of(frame)
    return rows.uri if rows else None


def _origin(frame: object) -> tuple[str, RecordedProject] | None:
    held = _retrieved.get(id(frame))
    return held[1:] if held and held[0]() is frame else None


@dataclass(frozen=True)
class Asked:
    """What a retrieval was asked for; `entities` is the number of entity rows, None if Feast is to find them."""

    views: Sequence[Any]
    refs: Sequence[str]
    entities: int | None
    registry: Any
    digest_results: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)

    def on_demand(self, project: str) -> Sequence[Any]:
        """Return the on-demand views among them."""
        from feast.on_demand_feature_view import OnDemandFeatureView

        return OnDemandFeatureView.get_requested_odfvs(list(self.refs), project, self.registry)

    def service(self, project: str) -> Any:
        """Return the feature service whose features are exactly those asked for; None if none or several are.

        Feast does not hand the service on to its provider.
        """
        implied = {
            projection.name_to_use()
            for view in self.on_demand(project)
            for projection in view.source_feature_view_projections.values()
        }
        services = self.registry.list_feature_services(project, allow_cache=True)
        fitting = [service for service in services if self._fits(service, implied)]
        return fitting[0] if len(fitting) == 1 else None

    def _fits(self, service: Any, implied: Collection[str]) -> bool:
        """Whether its features are those asked for, in order; what on-demand views need besides, Feast appends."""
        mine = [
            f"{projection.name_to_use()}:{feature.name}"
            for projection in service.feature_view_projections
            for feature in projection.features
        ]
        asked, rest = list(self.refs[: len(mine)]), self.refs[len(mine) :]
        return bool(mine) and asked == mine and all(ref.partition(":")[0] in implied for ref in rest)


class Reading:
    """One run of a retrieval, from the moment before the sources are read."""

    def __init__(self, project: RecordedProject, asked: Asked) -> None:
        """Look at the sources as they are now."""
        self._project, self._asked = project, asked
        self._sources = Sources(project)
        self.uri = project.new("retrieval")
        self._started = system_time()
        self._before = self._versions()

    def complete(self, result: object) -> None:
        """Record what came out; warn of sources that are no longer what they were at the start."""
        table = result if isinstance(result, pa.Table) else None
        rows = len(result) if hasattr(result, "__len__") else None
        digest = digest_of(table) if table is not None and self._asked.digest_results else None
        made = ArtifactVersion(f"{self.uri}/rows", ROWS_KIND, digest, {} if rows is None else {"rows": str(rows)})
        self._record([made], {"outcome": "complete", **made.attributes})
        remember(result, self.uri, self._project)
        self._link_tracking_run(made)

    def complete_file(self, path: Path | None, rows: int | None) -> None:
        """Record the file that the result was written to, None if it is not on this machine."""
        made = [self._sources.at(path, path.name)] if path else [artifact_at(f"{self.uri}/rows")]
        self._record(made, {"outcome": "complete"} | ({} if rows is None else {"rows": str(rows)}))
        self._link_tracking_run(made[0])

    def fail(self, error: BaseException) -> None:
        """Record that it failed, and how."""
        self._record([], {"outcome": "failed", "error": type(error).__name__})

    def _record(self, made: Sequence[ArtifactVersion], attributes: Mapping[str, str]) -> None:
        ended, moved = system_time(), changed(self._before, self._versions(), self.uri)
        views = {view.name: self._project.view(view) for view in self._all_views()}
        service, parts = self._service(views)
        used = [*views.values(), *([service] if service else []), *self._before, *moved]
        attributes = {**self._attributes(service, moved), **attributes}
        details = ActivityDetails(self._started, ended, attributes, ASSERTED_BY)
        self._project.record_activity(self.uri, KIND, details=details, used=used, generated=made)
        if service:
            self._project.record_service(service, parts)

    def _attributes(self, service: ArtifactVersion | None, moved: Sequence[ArtifactVersion]) -> dict[str, str]:
        attributes = {
            "features": ",".join(self._asked.refs),
            "feature_service": service.uri if service else "",
            "entity_rows": "" if self._asked.entities is None else str(self._asked.entities),
            "changed_sources": ",".join(version.uri for version in moved),
            "dvc_stage": os.environ.get("DVC_STAGE", ""),
        }
        return {name: value for name, value in attributes.items() if value} | dict(self._asked.attributes)

    def _all_views(self) -> Iterator[Any]:
        yield from self._asked.views
        yield from self._asked.on_demand(self._project.name)

    def _service(
        self, views: Mapping[str, ArtifactVersion]
    ) -> tuple[ArtifactVersion | None, Collection[ArtifactVersion]]:
        found = self._asked.service(self._project.name)
        if found is None:
            return None, ()
        parts = {projection.name: views[projection.name] for projection in found.feature_view_projections}
        return self._project.service(found, parts), parts.values()

    def _versions(self) -> list[ArtifactVersion]:
        found = [view.batch_source for view in self._asked.views if getattr(view, "batch_source", None) is not None]
        return list({version.uri: version for version in map(self._sources.version, found)}.values())

    def _link_tracking_run(self, made: ArtifactVersion) -> None:
        """Record that the MLflow run that is active here used these rows. MLflow is not loaded for it."""
        run = active_run()
        if run is None:
            return
        from handrail.bootstrap.approvals import server_name

        def write(lineage: Lineage) -> None:
            name = TrackingRun(server_name(self._project.platform.settings), run.info.run_id)
            lineage.record_tracking_run(name, used=[made])

        self._project.record(f"the use of {made.uri} by an MLflow run", write)


def begin(project: RecordedProject, asked: Asked) -> Reading | None:
    """Begin to record a retrieval; None if that cannot be done."""
    with never_fail("a historical read of Feast"):
        return Reading(project, asked)
    return None
