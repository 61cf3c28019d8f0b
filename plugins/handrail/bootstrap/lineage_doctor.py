"""Which adapters the doctor of lineage uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from handrail.bootstrap.lineage import migrated
from handrail.clock import system_time
from handrail.lineage.domain.flaws import Diagnosis, Flaw, sort_out
from handrail.lineage.service.doctor import Doctor, DoctorPorts
from handrail.settings import Settings
from handrail.storage import Store

if TYPE_CHECKING:
    from handrail.feedback import FeedbackLog
    from handrail.lineage.adapters.sql.census import SqlCensus

__all__ = [
    "diagnose",
    "open_doctor",
]


def open_doctor(store: Store, feedback: FeedbackLog) -> Doctor:
    """Open the doctor over `store`, its tables brought up to date."""
    from handrail.lineage.adapters.dvc.bytes import changed_files
    from handrail.lineage.adapters.sql.audit import SqlAudit
    from handrail.lineage.adapters.sql.graph import SqlGraph

    def predictions() -> Mapping[str, int]:
        uris = [record.uri for record in feedback.deployments()]
        return feedback.count_predictions(uris) if uris else {}

    return Doctor(DoctorPorts(SqlGraph(migrated(store)), SqlAudit(store), changed_files, predictions, system_time))


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
