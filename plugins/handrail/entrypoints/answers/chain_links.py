"""What stands at each link of a chain: a plain word, a sentence, a note, its moment, and who vouches for the hop."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.entrypoints.answers.chain_facts import ChainFacts
from handrail.entrypoints.answers.chain_titles import WRITERS, plain, rows_learned
from handrail.entrypoints.answers.names import listed, moment_of, name_at, name_of, word_of
from handrail.entrypoints.answers.words import counted
from handrail.lineage import Edge, Node, Step, Trace, Verb

REGISTERED, COMMITTED, CHECK = "registered", "committed", "validation"
MOST_RUNS = 3
"""A check is of a stage, which is of a task run, which is of a flow run."""
_STATIONS = {
    "training-data": "Training set",
    "raw-data": "Raw data",
    "features": "Features",
    "bento": "Bento",
}
KEY = ("prediction", "permit", "raw-data")
"""The stations that answer the question: what, by whom, from what."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link. `when` is system time unless `is_event_time`; `proven` is None where the chain begins.

    `said_by` names the sources of the hop from the link above. `count` is how many things stand here, `label` what
    fits into a small box.
    """

    station: str
    kind: str
    title: str
    uri: str
    note: str = ""
    digest: str | None = None
    when: datetime | None = None
    until: datetime | None = None
    is_event_time: bool = False
    proven: bool | None = None
    said_by: tuple[str, ...] = ()
    count: int = 1
    label: str = ""

    @property
    def is_key(self) -> bool:
        """Whether a reader looks for this link first."""
        return self.station in KEY

    def to_json(self) -> dict[str, Any]:
        """Return the link as JSON values; moments are ISO 8601."""
        return {
            "station": self.station,
            "kind": self.kind,
            "title": self.title,
            "label": self.label,
            "note": self.note,
            "uri": self.uri,
            "digest": self.digest,
            "when": self.when.isoformat() if self.when else None,
            "until": self.until.isoformat() if self.until else None,
            "event_time": self.is_event_time,
            "proven": self.proven,
            "said_by": list(self.said_by),
            "key": self.is_key,
            "count": self.count,
        }


def link_of_prediction(facts: ChainFacts, trace: Trace) -> Link:
    """Return the first link of a prediction's chain; without what feedback knows only its id."""
    made = facts.prediction
    identifier = trace.prediction_id or ""
    if made is None:
        return Link("prediction", "Prediction", identifier, identifier, label=identifier)
    said = [
        f"{'Outcome' if one.word else one.kind}: {one.word or f'{one.value:g}'} ({one.kind} by {one.source}), "
        f"known since {moment_of(one.occurred_at)}"
        for one in facts.outcomes
    ]
    return Link(
        "prediction",
        "Prediction",
        f"{made.subject}: {facts.answer}",
        identifier,
        f"{'. '.join(said) or 'No outcome is known yet'}.",
        made.features_digest or None,
        made.made_at,
        is_event_time=not _fits(facts, made.made_at, trace.start),
        label=facts.answer,
    )


def _fits(facts: ChainFacts, at: datetime, deployment: str) -> bool:
    """Return whether a prediction was made while its deployment was in service, as far as that is known."""
    served = [period for period in facts.moves if period.target == deployment]
    return not served or any(period.covers(at) for period in served)


def link_of_later_permit(uri: str, facts: ChainFacts) -> Link:
    """Return the link of a permit that was given for the thing itself."""
    title, note, when = _permit(uri, facts)
    return Link(
        "permit", "Permit", title, uri, note, when=when, proven=True, said_by=("approvals",), label=name_at(uri)
    )


def link_of(step: Step, trace: Trace, facts: ChainFacts) -> Link:
    """Return the link of a station."""
    node, via = step.node, step.via
    title, note, when, until = _written(step, trace, facts)
    is_given_by_prediction = via is None and trace.prediction_id is not None
    return Link(
        step.station,
        _STATIONS.get(step.station) or word_of(node.kind),
        title,
        node.uri,
        note,
        node.digest,
        when or _time_of(node, trace),
        until,
        proven=False if is_given_by_prediction else None if via is None else via.proven,
        said_by=("feedback",) if is_given_by_prediction else via.asserted_by if via else (),
        count=len(step.nodes),
        label=_label(step, trace),
    )


def _label(step: Step, trace: Trace) -> str:
    rows = rows_learned(trace) if step.station == "training-data" else 0
    if rows:
        return counted(rows, "row")
    if step.station == "validation" and step.node.attributes.get("evaluated", "").isdigit():
        return counted(int(step.node.attributes["evaluated"]), "expectation")
    return (
        name_of(step.node) if len(step.nodes) == 1 or step.station != "raw-data" else f"{len(step.nodes):,} data sets"
    )


_Written = tuple[str, str, datetime | None, datetime | None]


def _written(step: Step, trace: Trace, facts: ChainFacts) -> _Written:
    """Return title, note, since and until of a station."""
    node = step.node
    if step.station == "permit":
        return *_permit(node.uri, facts, trace), None
    if node.kind == "deployment":
        return _deployment(node, facts)
    writer = WRITERS.get(step.station, WRITERS.get(node.kind, plain))
    title, note = writer(step, trace)
    return title, note, None, None


def _permit(uri: str, facts: ChainFacts, trace: Trace | None = None) -> tuple[str, str, datetime | None]:
    known = facts.permits.get(uri)
    if known is None:
        people = approvers_of(uri, trace) if trace else []
        who = listed(people) if people else "The gate"
        return f"{who} allowed this", f"Request {name_at(uri)}; its ledger cannot be read here.", None
    people = [f"{name} ({', '.join(roles)})" if roles else name for name, roles in known.people]
    rules = f", {known.met} of {counted(known.rules, 'rule')} met" if known.rules else ""
    who = f"{known.asked_by} ({known.requester})" if known.asked_by else known.requester
    note = f"Request {known.request_id}, asked by {who}. Policy {known.policy}{rules}."
    taken_back = " Taken back since." if known.revoked else ""
    return f"{listed(people) or 'The gate'} allowed {known.use}", f"{note}{taken_back}", known.at


def approvers_of(permit: str, trace: Trace) -> list[str]:
    """Return who answers for the decision behind a permit, as the graph has it."""
    named = (edge for edge in trace.edges if edge.effect == f"{permit}/decision" and edge.counts)
    return [name_at(edge.cause) for edge in named if edge.verb is Verb.ASSOCIATED_WITH]


def _deployment(node: Node, facts: ChainFacts) -> _Written:
    served = [period for period in facts.moves if period.target == node.uri]
    title = f"{name_of(node)} in service" if served else name_of(node)
    if not served:
        return title, "When it was in service is not recorded.", None, None
    until = served[-1].until
    again = f"{len(served)} times, the last one here. " if len(served) > 1 else ""
    note = f"In service until {moment_of(until)}." if until else "In service until now."
    return title, f"{again}{note}", served[-1].since, until


def _time_of(node: Node, trace: Trace) -> datetime | None:
    """Return when a thing was made or happened, as its tool or its maker reports it."""
    for name in (REGISTERED, COMMITTED):
        if name in node.attributes:
            try:
                return datetime.fromisoformat(node.attributes[name])
            except ValueError:
                return None
    if node.ended or node.started:
        return node.started or node.ended
    at = _began(_causes({node.uri}, trace.edges, Verb.GENERATED), trace)
    return at or (_checked_at(node, trace) if node.kind == CHECK else None)


def _checked_at(check: Node, trace: Trace) -> datetime | None:
    """Return when the run began that wrote the result of a check, which is the same bytes under another name.

    A stage of a pipeline may have no time of its own; then that of the task or flow run that it was part of counts.
    """
    proven = (edge for edge in trace.edges if edge.proven)
    here = _causes(_causes({check.uri}, proven, Verb.DERIVED_FROM), trace.edges, Verb.GENERATED)
    for _ in range(MOST_RUNS):
        if at := _began(here, trace):
            return at
        here = _causes(here, trace.edges, Verb.ASSOCIATED_WITH)
    return None


def _causes(effects: Set[str], edges: Iterable[Edge], verb: Verb) -> Set[str]:
    return {edge.cause for edge in edges if edge.effect in effects and edge.verb is verb}


def _began(runs: Set[str], trace: Trace) -> datetime | None:
    """Return when the first of these runs that a trace has a time of ended, or began."""
    times = [each.ended or each.started for each in trace.nodes if each.uri in runs]
    return next((at for at in times if at), None)
