"""What says how a candidate differs from the version before it, inside an MLflow server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from handrail.approvals.adapters.described_trees import DescribedTrees
from handrail.approvals.adapters.prompt_threads import PromptThreads
from handrail.approvals.service import GatePorts
from handrail.approvals.service.differences import DifferencePorts, Differences
from handrail.bootstrap.approvals_makings import ReadMakings
from handrail.bootstrap.approvals_ports import GateHost

if TYPE_CHECKING:
    from handrail.lineage.service.lineage import Lineage


def open_differences(ports: GatePorts, host: GateHost, lineage: Callable[[], Lineage]) -> Differences:
    """Return what compares versions by what the gate, the server's runs and lineage know of them."""
    from handrail.approvals.adapters.mlflow_training_runs import MlflowTrainingRuns

    return Differences(
        DifferencePorts(
            ledger=ports.ledger,
            index=ports.index,
            registry=ports.registry,
            trees=DescribedTrees(ports.copies),
            runs=MlflowTrainingRuns(host.tracking, ports.files),
            makings=ReadMakings(lineage),
            prompt=PromptThreads(),
        )
    )
