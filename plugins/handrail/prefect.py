"""Prefect with Handrail: what a task or flow reads and makes, and the block that says where it is recorded.

from handrail.prefect import record

@task
@record(inputs="data/orders.csv", outputs=lambda target: target)
def clean(target: str) -> None: ...
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.entrypoints.prefect.blocks import HandrailLineage
    from handrail.entrypoints.prefect.recorder import record
    from handrail.entrypoints.prefect.run import current_flow_run

__all__ = ["HandrailLineage", "current_flow_run", "record"]

_PLACES = {
    "handrail.entrypoints.prefect.blocks": ("HandrailLineage",),
    "handrail.entrypoints.prefect.recorder": ("record",),
    "handrail.entrypoints.prefect.run": ("current_flow_run",),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
