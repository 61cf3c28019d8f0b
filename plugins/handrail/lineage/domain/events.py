"""What an OpenLineage event says, in the words of the graph. Its form on the wire is the adapter's matter.

A run and a job are activities, a dataset is an artifact. A dataset without a version has one node for all times. Where
an event says more, in Handrail's own facets, its run may be another activity or none (`content`), a dataset another
artifact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache
from urllib.parse import quote

from handrail.lineage.domain.authority import as_asserted
from handrail.lineage.domain.contents import End, EventContent, facts_of
from handrail.lineage.domain.facts import ActivityDetails, Facts, NodeFact, activity_fact, check_facts
from handrail.lineage.domain.names import PLAIN, kind_of, shorten_uri
from handrail.lineage.domain.vocabulary import Role

_NAMESPACE_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://\S")
_REMEMBERED = 16_384
RUN = "openlineage-run://"
STATE = "state"
"""The attribute of a run that says which state it reached; it is made from its events and never recorded."""
ERROR = "error"
"""The attribute of a run that says why it failed, as its producer reported."""


class RunState(Enum):
    """The states of a run; the highest rank ever received counts."""

    START = "START"
    RUNNING = "RUNNING"
    OTHER = "OTHER"
    ABORT = "ABORT"
    FAIL = "FAIL"
    COMPLETE = "COMPLETE"

    @property
    def rank(self) -> int:
        """Which state counts when events of one run are united, in any order (stored: never renumber)."""
        return _RANKS[self]

    @property
    def is_final(self) -> bool:
        """Whether the run ended."""
        return self.rank >= _RANKS[RunState.ABORT]

    @staticmethod
    def of(rank: int) -> RunState:
        """Return the state with that rank; one that says no more than that the run goes on is `RUNNING`."""
        return next(state for state, its in _RANKS.items() if its == rank)


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
    """A dataset, at a version if one is known; `declared` is the artifact that the producer says it is.

    `agreed` is a digest that the producer compared with what the dataset led to and found equal there. `alternates` are
    other names of it, and `attributes` what else is known of it.
    """

    namespace: str
    name: str
    version: str | None = None
    declared: NodeFact | None = None
    digests: tuple[str, ...] = ()
    agreed: str = ""
    alternates: tuple[DatasetAt, ...] = ()
    attributes: frozenset[tuple[str, str]] = frozenset()

    @property
    def uri(self) -> str:
        """What was declared, else `<namespace>/<name>[@<version>]`, below `openlineage://` without a scheme.

        So `dvc://shop`, `data/raw` at version `<md5>` is the same node as in DVC's own record.
        """
        return _dataset_uri(self.namespace, self.name, self.version) if self.declared is None else self.declared.uri

    @property
    def end(self) -> End:
        """The dataset as an artifact at one end of a content."""
        alternates = tuple(each.end.node for each in self.alternates if each.uri != self.uri)
        if self.declared is not None:
            node = replace(self.declared, attributes=self.declared.attributes | self.attributes)
            return End(node, self.digests, self.agreed, alternates)
        known = {("namespace", self.namespace), ("name", self.name), *self.attributes}
        if self.version:
            known.add(("version", self.version))
        node = NodeFact(self.uri, Role.ARTIFACT, kind_of(self.uri), frozenset(known))
        return End(node, self.digests, self.agreed, alternates)


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
    at = f"@{quote(version, safe=PLAIN)}" if version else ""
    return shorten_uri(f"{quote(whole, safe=PLAIN)}/{quote(name, safe=PLAIN)}{at}")


@lru_cache(maxsize=_REMEMBERED)
def _job_uri(namespace: str, name: str) -> str:
    return shorten_uri(f"openlineage-job://{quote(namespace, safe='@:+~.-_')}/{quote(name, safe=PLAIN)}")


def run_uri(run_id: str) -> str:
    """`openlineage-run://<uuid>`."""
    return f"{RUN}{run_id}"


@dataclass(frozen=True, slots=True)
class RunReport:
    """What an event reports about a run; `run_id` is a UUID in lower case.

    `partners` are the agents and activities that the run is associated with.
    """

    run_id: str
    state: RunState
    attributes: Mapping[str, str] = field(default_factory=dict)
    partners: tuple[NodeFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What the sender of an event that was taken should know about a field of it, as a sentence."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """An event as received: `body` is its canonical JSON, `event_id` the sha256 of that in hex.

    A run event has `run` and `job`, a job event `job` alone, a dataset event neither: its dataset is in `datasets`.
    `more` is what its datasets and its job are said to come from, beside what the run read and wrote.
    With `content` the run represents that content only: it, its job and its datasets are not nodes themselves.
    """

    event_id: str
    time: datetime
    producer: str
    body: str
    job: JobName | None = None
    run: RunReport | None = None
    inputs: tuple[DatasetAt, ...] = ()
    outputs: tuple[DatasetAt, ...] = ()
    datasets: tuple[DatasetAt, ...] = ()
    content: EventContent | None = None
    notes: tuple[Note, ...] = ()
    more: tuple[EventContent, ...] = ()

    @property
    def stream(self) -> str:
        """Events with an equal stream stay in order: the run, else the job, else the dataset."""
        if self.run is not None:
            return run_uri(self.run.run_id)
        return self.job.uri if self.job is not None else self.datasets[0].uri

    @property
    def is_own_run(self) -> bool:
        """Whether its content is the run itself, as a Handrail that had it as an event sends it on."""
        activity = self.content.activity if self.content else None
        return activity is not None and self.run is not None and activity.uri == run_uri(self.run.run_id)

    @property
    def own_run(self) -> tuple[RunReport, JobName] | None:
        """The run and its job; None if there is none, or if it represents an activity of another tool."""
        if self.run is None or self.job is None or (self.content is not None and not self.is_own_run):
            return None
        return self.run, self.job

    @property
    def started(self) -> datetime | None:
        """When the run began, if this event says so."""
        if self.content is not None and self.content.activity is not None:
            return self.content.activity.started
        return self.time if self.run is not None and self.run.state is RunState.START else None

    @property
    def ended(self) -> datetime | None:
        """When the run ended, if this event says so."""
        if self.content is not None and self.content.activity is not None:
            return self.content.activity.ended
        return self.time if self.run is not None and self.run.state.is_final else None

    @property
    def rank(self) -> int:
        """The order of events of one run that happened at the same moment."""
        return self.run.state.rank if self.run is not None else 0


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """How many received events were newly stored, how many were known already, and notes for their sender."""

    accepted: int
    repeated: int
    notes: tuple[Note, ...] = ()


def notes_of(event: LineageEvent, left_out: Iterable[str], place: str = "") -> Iterator[Note]:
    """Return a note for each edge that was left out of the graph; its field is the dataset that the edge leads to."""
    ends = {f"used {each.uri}": f"inputs.{index}" for index, each in enumerate(event.inputs)}
    ends |= {f"generated {each.uri}": f"outputs.{index}" for index, each in enumerate(event.outputs)}
    for edge in left_out:
        yield Note(
            f"{place}{ends.get(edge, 'run' if event.run else 'job')}",
            f"The edge {edge!r} was left out of the graph, because it closes a circle; all else was recorded. "
            "Give each state of the dataset a version of its own (the `version` facet) to have the edge too.",
        )


def describe_event(event: LineageEvent, asserted_by: str) -> Facts:
    """State what an event says of runs, jobs and datasets.

    Raises:
        InvalidInput: a name cannot become a URI.
    """
    contents = [EventContent(outputs=(each.end,)) for each in event.datasets]
    contents += event.more
    if event.content is not None:
        contents.append(event.content)
    elif event.job is not None:
        contents.append(_content(event, event.job))
    return check_facts(as_asserted(Facts.union(facts_of(each, asserted_by) for each in contents), asserted_by))


def _content(event: LineageEvent, job: JobName) -> EventContent:
    plan = activity_fact(job.uri, details=ActivityDetails(attributes={"namespace": job.namespace, "name": job.name}))
    inputs, outputs = tuple(each.end for each in event.inputs), tuple(each.end for each in event.outputs)
    if event.run is None:
        return EventContent(plan, inputs, outputs)
    details = ActivityDetails(
        started=event.started,
        ended=event.ended,
        attributes=event.run.attributes,
    )
    activity = activity_fact(run_uri(event.run.run_id), details=details)
    return EventContent(activity, inputs, outputs, (plan, *event.run.partners))
