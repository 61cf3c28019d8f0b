"""What the use cases of lineage stand on."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.clock import Clock, system_time
from handrail.lineage.ports import (
    ConflictLog,
    EventWriter,
    GraphStore,
    PipelineReader,
    PointerLog,
    PredictionIndex,
)


@dataclass(frozen=True, slots=True)
class LineagePorts:
    """What lineage stands on; `repository` is the name of the project's repository in `dvc://` and `git://` URIs.

    What is recorded is kept as events too, which are forwarded to each of `sinks`.
    """

    graph: GraphStore
    conflicts: ConflictLog
    pointers: PointerLog
    predictions: PredictionIndex
    pipelines: PipelineReader
    repository: str
    writer: EventWriter
    sinks: tuple[str, ...] = ()
    clock: Clock = system_time
