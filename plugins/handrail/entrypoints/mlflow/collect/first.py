"""The first record of a run, and of a version, stands: what is said of them afterwards is shown as said later.

A version never changes, so what made it cannot change either. But whoever may edit a run can add tags and inputs to it
long after its model was registered and approved, and tags to the version itself. MLflow does not keep who did that, or
when: the server app knows it, and from outside only the moment is known at which it was first seen. The record of a
version is complete with its registration, that of a run when it has ended and a version of it was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handrail.entrypoints.mlflow.collect.datasets import INPUT
from handrail.entrypoints.mlflow.collect.records import ASSERTED_BY, ActivityRecord, DerivationRecord, Record
from handrail.entrypoints.mlflow.collect.runs import RUN
from handrail.entrypoints.mlflow.collect.writing import Thing
from handrail.errors import UnknownReference
from handrail.lineage import ActivityDetails, Lineage, Node
from handrail.refs import ArtifactVersion

CLOSED, LATER, REGISTERED = "record_closed", "later", "registered"
MOST_HOPS = 12
VERSION, PERMIT = "model-version", "permit"
UNKNOWN = "MLflow does not keep by whom"
FIRST_SEEN = "; first seen "
_FREE = frozenset({"run_name", "experiment", "status"})
"""Attributes of a run that change in good faith: names for people, and how a run ended that was resumed."""


def records_of_closing(
    lineage: Lineage, versions: Iterable[str], now: datetime, *, is_permitted: bool = False
) -> Iterator[ActivityRecord]:
    """Return that the record of each run behind these versions, by URI, is complete: it has ended.

    A run behind a version that has a permit is complete as well: who leaves it open could add to it for ever.
    """
    complete: set[str] = set()
    for version in versions:
        runs = [run for run in _runs_behind(lineage, version) if CLOSED not in run.attributes]
        permitted = is_permitted or (any(run.ended is None for run in runs) and _has_permit(lineage, version))
        complete |= {run.uri for run in runs if permitted or run.ended is not None}
    return (_with_attribute(uri, CLOSED, now.isoformat()) for uri in sorted(complete))


def _has_permit(lineage: Lineage, version: str) -> bool:
    return bool(lineage.touched(version, kinds=(PERMIT,), limit=1).nodes)


def _runs_behind(lineage: Lineage, version: str) -> Sequence[Node]:
    try:
        return lineage.trace(version, depth=MOST_HOPS, kinds=(RUN,)).nodes
    except UnknownReference:  # of a prompt nothing is recorded
        return ()


def versions_of_run(lineage: Lineage, run: str) -> list[str]:
    """Return the URIs of the versions that something of this run, by URI, became; none of an unknown run."""
    try:
        return [node.uri for node in lineage.touched(run, kinds=(VERSION,)).nodes]
    except UnknownReference:
        return []


def keep_first(lineage: Lineage, things: Sequence[Thing], now: datetime, by: str | None = None) -> list[Thing]:
    """Return the records of runs; what they say anew about a closed run becomes its attribute `later`.

    `by` is the URI of who is logged in, if that is known.
    """
    uris = sorted({record.uri for _, records in things for record in records if isinstance(record, ActivityRecord)})
    held = {node.uri: node.attributes for node in lineage.recorded(uris).nodes}
    closed = {uri: pairs for uri, pairs in held.items() if any(name == CLOSED for name, _ in pairs)}
    source = f"{FIRST_SEEN}{now.isoformat()}, {by or UNKNOWN}"
    return [
        (what, [kept for record in records for kept in _kept(lineage, record, closed, by, source)])
        for what, records in things
    ]


def keep_first_of_versions(
    lineage: Lineage,
    things: Sequence[Thing],
    now: datetime,
    by: str | None = None,
    earlier: Mapping[str, str] | None = None,
) -> list[Thing]:
    """Return the records of versions; what they say anew about a recorded version becomes its attribute `later`.

    `by` is the URI of who is logged in, if that is known; `earlier` has the URI that a version had before its model got
    another name, by its new one.
    """
    source, before = f"{FIRST_SEEN}{now.isoformat()}, {by or UNKNOWN}", earlier or {}
    uris = {made.uri for _, records in things for record in records for made in _versions_in(record)}
    held = {node.uri: node.attributes for node in lineage.recorded(sorted(uris | set(before.values()))).nodes}
    first = {uri: held.get(uri) or held.get(before.get(uri, ""), frozenset()) for uri in uris}
    known = {uri: pairs for uri, pairs in first.items() if any(name == REGISTERED for name, _ in pairs)}
    return [
        (what, [kept for record in records for kept in _first_of(record, known, source)]) for what, records in things
    ]


def _first_of(record: Record, known: Mapping[str, frozenset[tuple[str, str]]], source: str) -> Iterator[Record]:
    made = next((each for each in _versions_in(record) if each.uri in known), None)
    if made is None:
        yield record
        return
    held = _Held(frozenset(), known[made.uri])
    stays = {name: value for name, value in made.attributes.items() if (name, value) in held.attributes}
    yield _about(record, made, stays)
    new = [f"{name} = {value}" for name, value in made.attributes.items() if name not in stays]
    # What was said later under another name of the model was said of this version.
    before = [value for name, value in held.attributes if name == LATER]
    for text in [*before, *(f"{thing}{source}" for thing in new if held.lacks_later(thing))]:
        yield _about(record, made, {LATER: text})


def _versions_in(record: Record) -> Sequence[ArtifactVersion]:
    made: Sequence[ArtifactVersion] = ()
    if isinstance(record, DerivationRecord):
        made = (record.effect,)
    elif isinstance(record, ActivityRecord):
        made = record.generated
    return [each for each in made if each.kind == VERSION]


def _about(record: Record, made: ArtifactVersion, attributes: Mapping[str, str]) -> Record:
    """Return a record that says these attributes of a version that it is about, and no others."""
    said = replace(made, attributes=attributes)
    if isinstance(record, DerivationRecord):
        return replace(record, effect=said)
    if isinstance(record, ActivityRecord):
        return replace(record, generated=tuple(said if each == made else each for each in record.generated))
    return record


@dataclass(frozen=True, slots=True)
class _Held:
    """What the record of a closed run holds: its causes, whatever their authority is called, and its attributes."""

    causes: frozenset[str]
    attributes: frozenset[tuple[str, str]]

    def has(self, uri: str) -> bool:
        return _without_authority(uri) in self.causes

    def lacks_later(self, thing: str) -> bool:
        return not any(name == LATER and text.startswith(f"{thing}{FIRST_SEEN}") for name, text in self.attributes)


def _kept(
    lineage: Lineage, record: Record, closed: Mapping[str, frozenset[tuple[str, str]]], by: str | None, source: str
) -> Iterator[Record]:
    if not isinstance(record, ActivityRecord) or record.uri not in closed:
        yield record
        return
    held = _Held(_causes_of(lineage, record.uri), closed[record.uri])
    details = record.details
    attributes = {
        name: value for name, value in details.attributes.items() if name in _FREE or (name, value) in held.attributes
    }
    yield replace(
        record,
        used=tuple(each for each in record.used if held.has(each.uri)),
        agents=tuple(agent for agent in record.agents if held.has(agent)),
        details=replace(details, attributes=attributes, within=tuple(filter(held.has, details.within))),
    )
    new = [each.uri for each in record.used if not held.has(each.uri)]
    new += [agent for agent in record.agents if agent != by and not held.has(agent)]
    new += [whole for whole in details.within if not held.has(whole)]
    # What is said of the frame of an input comes with the input, which is named already.
    said = {name: value for name, value in details.attributes.items() if not name.startswith(INPUT)}
    new += [f"{name} = {value}" for name, value in said.items() if name not in attributes]
    for thing in dict.fromkeys(new):
        if held.lacks_later(thing):
            yield _with_attribute(record.uri, LATER, f"{thing}{source}")


def _causes_of(lineage: Lineage, uri: str) -> frozenset[str]:
    edges = lineage.trace(uri, depth=1).edges
    return frozenset(_without_authority(edge.cause) for edge in edges if edge.effect == uri)


def _without_authority(uri: str) -> str:
    """Return a URI without the name of its server or repository, which may be given another name later.

    The name of an identity provider stays: the same login may be somebody else elsewhere.
    """
    if uri.startswith("actor://"):
        return uri
    scheme, _, rest = uri.partition("://")
    return f"{scheme}:{rest.partition('/')[2]}"


def _with_attribute(run: str, name: str, value: str) -> ActivityRecord:
    return ActivityRecord(run, RUN, details=ActivityDetails(attributes={name: value}, asserted_by=ASSERTED_BY))
