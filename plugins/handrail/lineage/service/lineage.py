"""The front of lineage: record what led to what; the questions are inherited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from handrail.errors import InvalidInput
from handrail.lineage.domain.facts import (
    ActivityDetails,
    Facts,
    activity_fact,
    describe_activity,
    describe_derivation,
    describe_membership,
)
from handrail.lineage.domain.graph import Pointer
from handrail.lineage.domain.names import check_uri
from handrail.lineage.domain.pipeline import PipelineRecord, describe_pipeline
from handrail.lineage.domain.records import (
    Name,
    describe_bento,
    describe_deployment,
    describe_permit,
    describe_registration,
    describe_report,
    describe_serving,
    describe_snapshot,
    describe_tracking_run,
    uri_of,
)
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.column_queries import ColumnQueries
from handrail.refs import ArtifactVersion

P = ParamSpec("P")


def _verb(describe: Callable[P, Facts]) -> Callable[Concatenate[Lineage, P], None]:
    """Return a method that records the facts that `describe` states, with its parameters and its docstring."""

    @wraps(describe)
    def record(self: Lineage, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self.record(describe(*args, **kwargs))

    record.__name__ = describe.__name__.replace("describe_", "record_")
    return record


class Lineage(ColumnQueries):
    """Which data, code, checks, approvals and deployment made a prediction, and what a file touched.

    Every `record_*` is one transaction, may be repeated, and may come in any order. A URI or a reference of
    `handrail.refs` names a thing. All raise `InvalidInput` for a name or digest that cannot be used, `CycleRefused`
    and `RoleConflict` for facts that contradict what is stored; nothing is recorded then.
    """

    record_tracking_run = _verb(describe_tracking_run)
    record_registration = _verb(describe_registration)
    record_permit = _verb(describe_permit)
    record_bento = _verb(describe_bento)
    record_deployment = _verb(describe_deployment)
    record_serving = _verb(describe_serving)
    record_snapshot = _verb(describe_snapshot)
    record_report = _verb(describe_report)

    def batch(self) -> Batch:
        """Return what takes the same calls and records all of them as one transaction, at `write`."""
        return Batch(self._ports)

    def record(self, facts: Facts) -> None:
        """Record facts, and the events that represent them, as one transaction."""
        ports = self._ports
        ports.graph.record(facts, ports.write_events(facts, ports.clock()), ports.sinks)

    def record_activity(  # noqa: PLR0913 - the published signature; all but the name are keywords
        self,
        uri: Name,
        kind: str,
        *,
        used: Sequence[ArtifactVersion] = (),
        generated: Sequence[ArtifactVersion] = (),
        agents: Sequence[str] = (),
        details: ActivityDetails | None = None,
    ) -> None:
        """Record what an activity used and generated; `agents` are `actor://` URIs."""
        details = details or ActivityDetails()
        activity = activity_fact(uri_of(uri), kind, details)
        facts = describe_activity(activity, used, generated, agents, details.asserted_by)
        self.record(facts | describe_membership(activity.uri, details.within, details.asserted_by))

    def derive(
        self,
        effect: ArtifactVersion,
        cause: ArtifactVersion,
        *,
        agreed: str | None = None,
        asserted_by: str = "handrail",
    ) -> None:
        """Record that `effect` was derived from `cause`; `agreed` is a digest that was compared on both sides."""
        self.record(describe_derivation(effect, cause, asserted_by, agreed))

    def record_pipeline(self, project: Path, commit: str) -> PipelineRecord:
        """Record every stage run of the project's dvc.lock, down to single files, and return what was read.

        `commit` has 40 hex digits; a stage that an earlier commit ran is recorded with that one.

        Raises:
            Unavailable: there is no dvc.lock.
        """
        record = self._ports.pipelines.read(project, commit)
        self.record(describe_pipeline(record))
        return record

    def point(self, name: str, target: Name | None, at: datetime, by: str) -> None:
        """Record that a moving name points at a version from `at` on; None takes the name away."""
        if at.tzinfo is None:
            raise InvalidInput("at", f"{at.isoformat()!r} has no time zone", "Give an aware moment, best in UTC.")
        uri = None if target is None else check_uri("target", uri_of(target))
        self._ports.pointers.add(Pointer(name, uri, at.astimezone(UTC), by))


class Batch(Lineage):
    """Lineage that gathers facts until `write`. Names that move (`point`) do not wait: each is written at once."""

    def __init__(self, ports: LineagePorts) -> None:
        super().__init__(ports)
        self._gathered: list[Facts] = []

    def record(self, facts: Facts) -> None:
        """Gather facts."""
        self._gathered.append(facts)

    def write(self) -> None:
        """Record what was gathered, all or none of it. Who repeats a refused batch fact by fact learns which one."""
        facts, self._gathered = Facts.union(self._gathered), []
        super().record(facts)
