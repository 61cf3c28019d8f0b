"""The Prefect run that the calling code belongs to, as lineage names it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handrail.refs import FlowDeployment, FlowRun, TaskRun

if TYPE_CHECKING:
    from handrail.lineage import Lineage

TOOL = "prefect"
_introduced: set[tuple[int, str]] = set()


@dataclass(frozen=True, slots=True)
class Run:
    """A task run or a flow run while it runs.

    `body` is the function that Prefect runs for it; `last_try` is whether Prefect gives up if it fails now. `flow`
    is the flow run that a task run belongs to.
    """

    ref_type: type[TaskRun] | type[FlowRun]
    run_id: str
    body: Callable[..., Any] | None
    last_try: bool
    started: datetime | None
    attributes: Mapping[str, str] = field(default_factory=dict)
    flow: Run | None = None
    flow_run_id: str | None = None
    deployment_id: str | None = None
    parent_task_run_id: str | None = None

    @property
    def kind(self) -> str:
        """`task-run` or `flow-run`."""
        return "task-run" if self.ref_type is TaskRun else "flow-run"

    @property
    def title(self) -> str:
        """What the log calls it."""
        return f"the {self.kind} {self.attributes.get('name', self.run_id)!r} ({self.run_id})"

    def uri(self, environment: str) -> str:
        """Return the URI of the run."""
        return self.ref_type(environment, self.run_id).uri

    def within(self, environment: str) -> list[str]:
        """Return the URIs of the run and of the deployment that it belongs to."""
        return uris_within(environment, self.flow_run_id, self.deployment_id, self.parent_task_run_id)

    def introduce_flow(self, lineage: Lineage, environment: str) -> None:
        """Record the flow run that a task run belongs to, once for each store in a process."""
        if self.flow is None or (key := (id(lineage), self.flow.run_id)) in _introduced:
            return
        self.flow.record(lineage, environment)
        _introduced.add(key)

    def record(self, lineage: Lineage, environment: str) -> None:
        """Record the run, without data."""
        from handrail.lineage import ActivityDetails

        details = ActivityDetails(self.started, None, self.attributes, TOOL, self.within(environment))
        lineage.record_activity(self.uri(environment), self.kind, details=details)


def uris_within(
    environment: str, flow_run_id: str | None, deployment_id: str | None, parent_task_run_id: str | None
) -> list[str]:
    """Return the URIs of the runs and of the deployment that a run with these ids belongs to."""
    wholes = ((FlowRun, flow_run_id), (FlowDeployment, deployment_id), (TaskRun, parent_task_run_id))
    return [form(environment, one).uri for form, one in wholes if one]


def current_run() -> Run | None:
    """Return the innermost run that the calling code belongs to; None outside of Prefect's runs."""
    # Without Prefect there is no run, and asking must not load it.
    context = sys.modules.get("prefect.context")
    if context is None:
        return None
    task, flow = context.TaskRunContext.get(), context.FlowRunContext.get()
    inner = _flow_run(flow) if flow and flow.flow_run else None
    if task is None:
        return inner
    # A flow that a task calls keeps the task's context around it.
    if flow and flow.flow_run and task.task_run.flow_run_id not in (None, flow.flow_run.id):
        return inner
    return _task_run(task, inner)


def current_flow_run() -> Run | None:
    """Return the flow run that the calling code belongs to; None outside of one."""
    run = current_run()
    return run.flow if run is not None and run.kind == "task-run" else run


def _task_run(context: Any, flow: Run | None) -> Run:
    row = context.task_run
    return Run(
        ref_type=TaskRun,
        run_id=str(row.id),
        body=context.task.fn,
        last_try=row.run_count > (context.task.retries or 0),
        started=row.start_time,
        attributes={"name": row.name, "task": context.task.name},
        flow=flow,
        flow_run_id=str(row.flow_run_id) if row.flow_run_id else None,
    )


def _flow_run(context: Any) -> Run:
    row, flow = context.flow_run, context.flow  # where another process runs its tasks, there may be no flow
    return Run(
        ref_type=FlowRun,
        run_id=str(row.id),
        body=flow.fn if flow else None,
        last_try=flow is not None and row.run_count > (flow.retries or 0),
        started=row.start_time,
        attributes={"name": row.name} | ({"flow": flow.name} if flow else {}),
        deployment_id=str(row.deployment_id) if row.deployment_id else None,
        parent_task_run_id=str(row.parent_task_run_id) if row.parent_task_run_id else None,
    )
