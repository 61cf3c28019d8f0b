"""What the flow `monitor` does with what it found, one call each, as `flows.steps.tasks` does the others."""

from __future__ import annotations

from typing import Any

from flows.steps import tasks


def deliver(record: dict[str, Any], account: str) -> list[str]:
    """Bring a month's findings to people, MLflow and the gate; return, and log, what was done. Never fails."""
    from flows.steps.monitoring.deliver import deliver as bring

    return bring(tasks.in_clone(), record, account, tasks.log)
