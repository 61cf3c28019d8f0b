"""Which adapters the intake of lineage events uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.bootstrap.lineage import migrated
from handrail.clock import system_time
from handrail.lineage.service.access import Access
from handrail.lineage.service.forwarding import Forwarder
from handrail.lineage.service.intake import EventIntake, IntakePorts
from handrail.settings import Settings
from handrail.storage import Store

if TYPE_CHECKING:
    from handrail.lineage.adapters.openlineage.yaml_sinks import Sink
    from handrail.lineage.ports import Transport

__all__ = [
    "open_access",
    "open_forwarder",
    "open_intake",
]


def open_intake(settings: Settings, store: Store) -> EventIntake:
    """Open the intake of OpenLineage events in `store`, its tables brought up to date.

    Raises:
        Misconfigured: config/lineage.yaml cannot be used.
    """
    from handrail.lineage.adapters.grouped_events import GroupedLog
    from handrail.lineage.adapters.openlineage.events import read_event
    from handrail.lineage.adapters.openlineage.yaml_sinks import read_sinks
    from handrail.lineage.adapters.sql.events import SqlEvents

    sinks = tuple(sink.name for sink in read_sinks(settings.config))
    return EventIntake(IntakePorts(read_event, GroupedLog(SqlEvents(migrated(store))), system_time, sinks))


def open_access(store: Store) -> Access:
    """Open the register of those who may use lineage over HTTP, its tables brought up to date."""
    from handrail.lineage.adapters.sql.tokens import SqlTokens

    return Access(SqlTokens(migrated(store)), system_time)


def open_forwarder(settings: Settings, store: Store) -> Forwarder:
    """Open the way out to the sinks of config/lineage.yaml.

    Raises:
        Misconfigured: that file cannot be used, or a sink's secrets are not in the environment.
        MissingTool: a sink has a transport of the OpenLineage client, which is not installed.
    """
    from handrail.lineage.adapters.openlineage.yaml_sinks import read_sinks
    from handrail.lineage.adapters.sql.outbox import SqlOutbox

    transports = {sink.name: _transport(sink) for sink in read_sinks(settings.config)}
    return Forwarder(SqlOutbox(migrated(store)), transports)


def _transport(sink: Sink) -> Transport:
    if sink.url is not None:
        from handrail.lineage.adapters.openlineage.httpx_transport import HttpxTransport

        return HttpxTransport(sink.url, sink.token)
    from handrail.lineage.adapters.openlineage.transport import OpenLineageTransport

    return OpenLineageTransport(sink.name, *sink.resolve())
