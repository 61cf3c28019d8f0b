"""Which adapters the doctor of lineage uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from handrail.bootstrap.lineage import migrated
from handrail.clock import system_time
from handrail.lineage.domain.flaws import Diagnosis, Flaw, sort_out
from handrail.lineage.service.doctor import Doctor, DoctorPorts
from handrail.settings import Settings
from handrail.storage import Store
from handrail.storage.impossible import find_impossible

if TYPE_CHECKING:
    from handrail.feedback import DeploymentRecord, FeedbackLog
    from handrail.lineage.adapters.sql.census import SqlCensus

__all__ = [
    "diagnose",
    "find_dvc_projects",
    "open_doctor",
]


def open_doctor(store: Store, feedback: FeedbackLog, settings: Settings | None = None) -> Doctor:
    """Open the doctor over `store`, its tables brought up to date.

    With `settings` it looks at the files that `handrail feedback compact` wrote, too.
    """
    from handrail.lineage.adapters.dvc.bytes import changed_below
    from handrail.lineage.adapters.openlineage.events import read_event
    from handrail.lineage.adapters.sql.audit import SqlAudit
    from handrail.lineage.adapters.sql.graph import SqlGraph
    from handrail.lineage.adapters.sql.recount import differences
    from handrail.lineage.adapters.sql.side_rows import altered_rows

    def predictions() -> Mapping[str, int]:
        uris = [record.uri for record in feedback.deployments()]
        return feedback.count_predictions(uris) if uris else {}

    def registrations() -> Mapping[str, Sequence[str]]:
        return {record.uri: [*_named(record)] for record in feedback.deployments()}

    def damages() -> Sequence[Flaw]:
        return [Flaw(each.kind, each.subject, each.detail) for each in feedback.damages()]

    altered: Mapping[str, Callable[[], Sequence[Flaw]]] = {
        "what events say": lambda: differences(store, read_event),
        "moves, tokens and copies": lambda: altered_rows(store),
        "predictions and feedback": damages,
        "files of predictions and feedback": partial(_parts, store, settings),
    }
    return Doctor(
        DoctorPorts(
            graph=SqlGraph(migrated(store)),
            audit=SqlAudit(store),
            changed_files=changed_below,
            impossible=partial(_impossible, store),
            altered=altered,
            registrations=registrations,
            predictions=predictions,
            clock=system_time,
        )
    )


def _parts(store: Store, settings: Settings | None) -> Sequence[Flaw]:
    from handrail.bootstrap.feedback import open_compaction

    found = open_compaction(settings, store).damages() if settings else ()
    return [Flaw(each.kind, each.subject, each.detail) for each in found]


def _impossible(store: Store) -> Sequence[Flaw]:
    from handrail.feedback.adapters.sql_tables import metadata as feedback_tables
    from handrail.lineage.adapters.sql.tables import metadata as lineage_tables

    with store.read() as connection:
        tables = [*lineage_tables.sorted_tables, *feedback_tables.sorted_tables]
        found = list(find_impossible(connection, tables))
    return [Flaw("impossible-value", f"{each.table}, {each.row}", each.sentence) for each in found]


def find_dvc_projects(settings: Settings) -> tuple[str, ...]:
    """Return the DVC projects whose files the doctor compares, relative to the project's folder."""
    from handrail.lineage.adapters.dvc.bytes import projects_at

    return projects_at(settings.project)


def _named(record: DeploymentRecord) -> Iterator[str]:
    """Return the URIs of what a deployment was registered with."""
    if record.tree_digest:
        yield f"tree://{record.tree_digest.replace(':', '/', 1)}"
    yield from (uri for uri in (record.model_version_uri, record.bento_uri) if uri)


def diagnose(settings: Settings, flaws: Sequence[Flaw]) -> Diagnosis:
    """Separate open flaws from those that config/lineage.yaml accepts.

    Raises:
        Misconfigured: config/lineage.yaml cannot be used.
    """
    from handrail.lineage.adapters.openlineage.yaml_sinks import read_accepted

    return sort_out(flaws, read_accepted(settings.config))


def open_run_census(store: Store) -> SqlCensus:
    """Open the census of runs over `store`, its tables brought up to date."""
    from handrail.lineage.adapters.sql.census import SqlCensus

    return SqlCensus(migrated(store))
