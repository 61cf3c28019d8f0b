"""Runs, deployments and assets as a Prefect server reports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from handrail.entrypoints.prefect.run import uris_within
from handrail.refs import FlowRun, TaskRun

TASK, FLOW = "task-run", "flow-run"
CACHED = "Cached"
_STATES = {"COMPLETED": "COMPLETE", "FAILED": "FAIL", "CRASHED": "ABORT", "CANCELLED": "ABORT"}


@dataclass(frozen=True, slots=True)
class PrefectRun:
    """A flow run or a task run that has begun; `flow` is its flow's name, `upstream` are ids of task runs."""

    kind: str
    run_id: str
    name: str
    flow: str
    state_type: str
    state_name: str
    started: datetime | None
    ended: datetime | None
    tags: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)
    flow_run_id: str | None = None
    deployment_id: str | None = None
    parent_task_run_id: str | None = None
    child_flow_run_id: str | None = None
    upstream: tuple[str, ...] = ()

    @property
    def state(self) -> str | None:
        """`COMPLETE`, `FAIL` or `ABORT` in OpenLineage's words; None while it goes on."""
        return _STATES.get(self.state_type)

    def uri(self, environment: str) -> str:
        """Return the URI of the run."""
        return (TaskRun if self.kind == TASK else FlowRun)(environment, self.run_id).uri

    def within(self, environment: str) -> list[str]:
        """Return the URIs of the run and of the deployment that it belongs to."""
        return uris_within(environment, self.flow_run_id, self.deployment_id, self.parent_task_run_id)


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """A deployment of a flow."""

    deployment_id: str
    name: str
    flow: str


@dataclass(frozen=True, slots=True)
class Asset:
    """That a task run referenced or materialised an asset: `key` is its URI, `metadata` what was reported of it."""

    key: str
    at: datetime
    task_run_id: str
    made: bool
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was read."""

    flow_runs: tuple[PrefectRun, ...] = ()
    task_runs: tuple[PrefectRun, ...] = ()
    plans: tuple[FlowPlan, ...] = ()
