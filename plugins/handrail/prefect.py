"""Prefect with Handrail: what a task or flow reads and makes, where it is recorded, and waiting for the gate.

from handrail.prefect import record

@task
@record(inputs="data/orders.csv", outputs=lambda target: target)
def clean(target: str) -> None: ...

@flow
def release(request_id: str) -> None:
    approval_gate(request_id, GateClient("http://127.0.0.1:5000", "ada", password))
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.prefect.approval import RequestReader, approval_gate, awaited_request, wake_decided
    from handrail.entrypoints.prefect.blocks import HandrailLineage
    from handrail.entrypoints.prefect.recorder import record
    from handrail.entrypoints.prefect.run import current_flow_run

__all__ = [
    "HandrailLineage",
    "RequestReader",
    "approval_gate",
    "awaited_request",
    "current_flow_run",
    "record",
    "wake_decided",
]

_PLACES = {
    "handrail.entrypoints.prefect.approval": ("RequestReader", "approval_gate", "awaited_request", "wake_decided"),
    "handrail.entrypoints.prefect.blocks": ("HandrailLineage",),
    "handrail.entrypoints.prefect.recorder": ("record",),
    "handrail.entrypoints.prefect.run": ("current_flow_run",),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
