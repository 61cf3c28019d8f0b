"""Prefect with Handrail: what a task or flow reads and makes, and the block that says where it is recorded.

from handrail.prefect import record

@task
@record(inputs="data/orders.csv", outputs=lambda target: target)
def clean(target: str) -> None: ...
"""

from handrail.entrypoints.prefect.blocks import HandrailLineage
from handrail.entrypoints.prefect.recorder import record
from handrail.entrypoints.prefect.run import current_flow_run

__all__ = ["HandrailLineage", "current_flow_run", "record"]
