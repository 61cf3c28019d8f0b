"""The use cases of buying labels: draw which predictions a person should label, and measure by what they answered."""

from __future__ import annotations

from datetime import datetime

from handrail.errors import UnknownReference
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.queue import (
    LabelQueue,
    QueueFigure,
    QueuePlan,
    asked_about,
    draw_queue,
    labels_of,
    queue_figures,
)
from handrail.feedback.service.log import FeedbackLog
from handrail.tools import require


def make_queue(log: FeedbackLog, plan: QueuePlan) -> LabelQueue:
    """Draw about `plan.most` predictions of a snapshot whose labels shorten the interval most, or never came.

    Needs NumPy. Nothing is recorded: the same plan draws the same predictions, whatever arrived since.

    Raises:
        UnknownReference: there is no such snapshot.
        SnapshotChanged: its rows were altered.
        InvalidInput: every label of it is known.
        MissingTool: NumPy is not installed.
    """
    require("numpy", "figures")
    return draw_queue(plan, _kind_of(log, plan), log.snapshot_cohort(plan.snapshot))


def measure_queue(log: FeedbackLog, plan: QueuePlan, as_of: datetime) -> tuple[QueueFigure, ...]:
    """Return what the labels of a queue's predictions, as known at `as_of`, say about all of its snapshot.

    Raises:
        UnknownReference: there is no such snapshot.
        SnapshotChanged: its rows were altered.
        InvalidInput: too few of them have a label.
        MissingTool: NumPy is not installed.
    """
    require("numpy", "figures")
    cohort = log.snapshot_cohort(plan.snapshot)
    scope = cohort.scope
    now = log.cohort(None, scope.kind, scope.start, scope.end, as_of)
    # What silence means is nobody's answer to whom was asked because there was silence.
    return queue_figures(plan, _kind_of(log, plan), cohort, labels_of(asked_about(plan, now)))


def _kind_of(log: FeedbackLog, plan: QueuePlan) -> Kind:
    """Return the rules of a snapshot's kind as they were when it was taken."""
    kinds = {each.digest: each.kind for each in log.snapshots()}
    if plan.snapshot not in kinds:
        raise UnknownReference("snapshot", plan.snapshot, "List them with: handrail feedback status.")
    return kinds[plan.snapshot]
