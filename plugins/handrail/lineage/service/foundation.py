"""What the use cases of lineage stand on."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.lineage.ports import ConflictLog, GraphStore, PipelineReader, PointerLog, PredictionIndex


@dataclass(frozen=True, slots=True)
class LineagePorts:
    """What lineage stands on; `repository` is the name of the project's repository in `dvc://` and `git://` URIs."""

    graph: GraphStore
    conflicts: ConflictLog
    pointers: PointerLog
    predictions: PredictionIndex
    pipelines: PipelineReader
    repository: str
