"""What to do about findings that are not in order: which labels are worth buying."""

from __future__ import annotations

from typing import Any

from handrail.bootstrap import Platform
from handrail.errors import InvalidInput
from handrail.feedback import QueuePlan, make_queue

MOST = 50
SHOWN = 5


def advice_about(platform: Platform, snapshot: str, findings: list[dict[str, Any]], many: str) -> list[str]:
    """Return sentences for people; none while nothing drifted or got worse, or every label is known.

    Labels are worth most where the model is least sure: `handrail feedback queue` draws the same ones.
    """
    if all(each["state"] == "ok" or each["kind"] == "health" for each in findings):
        return []
    try:
        queue = make_queue(platform.feedback, QueuePlan(snapshot, MOST))
    except InvalidInput:
        return []
    likeliest = sorted(queue.tasks, key=lambda task: (-task.propensity, task.prediction_id))[:SHOWN]
    return [
        f"Labels worth buying: {queue.waiting:,} of {queue.waiting + queue.known:,} {many} have none; begin with "
        f"{', '.join(task.subject for task in likeliest)}. "
        f"All of them: handrail feedback queue make {snapshot} --most {MOST} --to tasks.json"
    ]
