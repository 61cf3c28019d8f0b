"""What an OpenLineage event says, in the words of the graph. How it is written on the wire is no matter here.

A run and a job are activities, a dataset is an artifact. A dataset without a version has one node for all times. Where
an event says more, in Handrail's own facets, its run may be another activity or none (`step`), a dataset another
artifact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from urllib.parse import quote

from handrail.lineage.domain.facts import ActivityDetails, Facts, NodeFact, activity_fact, check_facts
from handrail.lineage.domain.names import kind_of
from handrail.lineage.domain.steps import End, Step, facts_of
from handrail.lineage.domain.vocabulary import Role

_NAMESPACE_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://\S")
_PLAIN = "/@:+~.-_"
_REMEMBERED = 16_384


class RunState(Enum):
    """The states of a run; the one with the greatest rank that was ever told is the run's."""

    START = "START"
    RUNNING = "RUNNING"
    OTHER = "OTHER"
    ABORT = "ABORT"
    FAIL = "FAIL"
    COMPLETE = "COMPLETE"

    @property
    def rank(self) -> int:
        """What wins when events of one run meet, in whatever order (stored: never renumber)."""
        return _RANKS[self]

    @property
    def is_final(self) -> bool:
        """Whether the run ended."""
        return self.rank >= _RANKS[RunState.ABORT]


_RANKS = {
    RunState.START: 0,
    RunState.RUNNING: 1,
    RunState.OTHER: 1,
    RunState.ABORT: 2,
    RunState.FAIL: 3,
    RunState.COMPLETE: 4,
}


@dataclass(frozen=True, slots=True)
class DatasetAt:
    """A dataset, at a version if one was told; with `told`, the artifact that the producer says it is, and its digests.

    `agreed` is a digest that the producer compared with what the dataset led to and found equal there.
    """

    namespace: str
    name: str
    version: str | None = None
    told: NodeFact | None = None
    digests: tuple[str, ...] = ()
    agreed: str = ""

    @property
    def uri(self) -> str:
        """What was told, else `<namespace>/<name>[@<version>]`, below `openlineage://` without a scheme.

        So `dvc://shop`, `data/raw` at version `<md5>` is the node that DVC's own record has.
        """
        return _dataset_uri(self.namespace, self.name, self.version) if self.told is None else self.told.uri

    @property
    def end(self) -> End:
        """The dataset as an artifact at one end of a step."""
        if self.told is not None:
            return End(self.told, self.digests, self.agreed)
        known = {("namespace", self.namespace), ("name", self.name)}
        if self.version:
            known.add(("version", self.version))
        node = NodeFact(self.uri, Role.ARTIFACT, kind_of(self.uri), frozenset(known))
        return End(node, self.digests, self.agreed)


@dataclass(frozen=True, slots=True)
class JobName:
    """A job: the plan that runs follow."""

    namespace: str
    name: str

    @property
    def uri(self) -> str:
        """`openlineage-job://<namespace>/<name>`, a slash in the namespace escaped."""
        return _job_uri(self.namespace, self.name)


@lru_cache(maxsize=_REMEMBERED)
def _dataset_uri(namespace: str, name: str, version: str | None) -> str:
    whole = namespace if _NAMESPACE_WITH_SCHEME.match(namespace) else f"openlineage://{namespace}"
    at = f"@{quote(version, safe=_PLAIN)}" if version else ""
    return f"{quote(whole, safe=_PLAIN)}/{quote(name, safe=_PLAIN)}{at}"


@lru_cache(maxsize=_REMEMBERED)
def _job_uri(namespace: str, name: str) -> str:
    return f"openlineage-job://{quote(namespace, safe='@:+~.-_')}/{quote(name, safe=_PLAIN)}"


def run_uri(run_id: str) -> str:
    """`openlineage-run://<uuid>`."""
    return f"openlineage-run://{run_id}"


@dataclass(frozen=True, slots=True)
class RunTold:
    """What an event tells of a run; `run_id` is a UUID in lower case, `partners` agents and activities it goes with."""

    run_id: str
    state: RunState
    attributes: Mapping[str, str] = field(default_factory=dict)
    partners: tuple[NodeFact, ...] = ()


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """An event as received: `body` is its canonical JSON, `event_id` the sha256 of that in hex.

    A run event has `run` and `job`, a job event `job` alone, a dataset event neither: its dataset is in `datasets`.
    With `step` the run stands for nothing but that step: it, its job and its datasets are no nodes themselves.
    """

    event_id: str
    time: datetime
    producer: str
    body: str
    job: JobName | None = None
    run: RunTold | None = None
    inputs: tuple[DatasetAt, ...] = ()
    outputs: tuple[DatasetAt, ...] = ()
    datasets: tuple[DatasetAt, ...] = ()
    step: Step | None = None

    @property
    def stream(self) -> str:
        """What this event has to keep its order with: its run, else its job, else its dataset."""
        if self.run is not None:
            return run_uri(self.run.run_id)
        return self.job.uri if self.job is not None else self.datasets[0].uri

    @property
    def rank(self) -> int:
        """The order of events of one run that happened at the same moment."""
        return self.run.state.rank if self.run is not None else 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of events: newly stored, or known from before."""

    accepted: int
    repeated: int


def describe_event(event: LineageEvent, asserted_by: str) -> Facts:
    """State what an event says of runs, jobs and datasets.

    Raises:
        InvalidInput: a name makes no URI.
    """
    if event.step is not None:
        return check_facts(facts_of(event.step, asserted_by))
    steps = [Step(outputs=(each.end,)) for each in event.datasets]
    if event.job is not None:
        steps.append(_step(event, event.job))
    return check_facts(Facts.union(facts_of(step, asserted_by) for step in steps))


def _step(event: LineageEvent, job: JobName) -> Step:
    plan = activity_fact(job.uri, details=ActivityDetails(attributes=_names(job)))
    inputs, outputs = tuple(each.end for each in event.inputs), tuple(each.end for each in event.outputs)
    if event.run is None:
        return Step(plan, inputs, outputs)
    details = ActivityDetails(
        started=event.time if event.run.state is RunState.START else None,
        ended=event.time if event.run.state.is_final else None,
        attributes=event.run.attributes,
    )
    activity = activity_fact(run_uri(event.run.run_id), details=details)
    return Step(activity, inputs, outputs, (plan, *event.run.partners))


def _names(job: JobName) -> Mapping[str, str]:
    return {"namespace": job.namespace, "name": job.name}
