"""Opens what keeps makers, reads trees and holds what is promoted, inside an MLflow server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.approvals.adapters.reading_threads import ReadingThreads
from handrail.approvals.adapters.spooled_provenance import SpooledProvenance
from handrail.approvals.service.changes import ChangesUnderWay
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.holding import Holding
from handrail.approvals.service.reading import TreeReader
from handrail.bootstrap.approvals_copies import open_copies
from handrail.clock import system_time
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.approvals.ports import Registry, RuleBook


def open_holding(settings: Settings, custody: Custody, registry: Registry, rules: RuleBook) -> Holding:
    """Open it over the gate's records and what the server has."""
    return Holding(
        holds=custody.holds,
        registry=registry,
        index=custody.index,
        provenance=SpooledProvenance(custody.provenance, settings.home / "mlflow" / "makers.spool"),
        rules=rules,
        reader=TreeReader(ReadingThreads(), FolderTrees(), open_copies(settings)),
        changes=ChangesUnderWay(),
        clock=system_time,
        released_after=timedelta(days=settings.approvals_hold_days),
    )
