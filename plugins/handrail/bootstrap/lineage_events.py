"""Which adapters stand behind the intake of lineage events, and the names that entry points need from it."""

from __future__ import annotations

from handrail.clock import system_time
from handrail.lineage.domain import HolderKind, Receipt, TokenRecord
from handrail.lineage.service import Access, EventIntake, IntakePorts
from handrail.storage import Store

__all__ = ["Access", "EventIntake", "HolderKind", "Receipt", "TokenRecord", "open_access", "open_intake"]


def open_intake(store: Store) -> EventIntake:
    """Open the intake of OpenLineage events in `store`, its tables brought up to date."""
    from handrail.lineage.adapters.openlineage_events import OpenLineageEvents
    from handrail.lineage.adapters.sql_events import SqlEvents
    from handrail.lineage.adapters.tables import MIGRATIONS
    from handrail.storage import migrate

    migrate(store, "lineage", MIGRATIONS)
    return EventIntake(IntakePorts(OpenLineageEvents(), SqlEvents(store), system_time))


def open_access(store: Store) -> Access:
    """Open the register of those who may use lineage over HTTP, its tables brought up to date."""
    from handrail.lineage.adapters.sql_tokens import SqlTokens
    from handrail.lineage.adapters.tables import MIGRATIONS
    from handrail.storage import migrate

    migrate(store, "lineage", MIGRATIONS)
    return Access(SqlTokens(store), system_time)
