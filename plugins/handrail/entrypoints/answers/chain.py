"""The direct path of a trace as a chain that a person reads from top to bottom, newest first, and one sentence on it.

What stands at each link is written in `chain_links`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.answers.chain_facts import ChainFacts, read_facts
from handrail.entrypoints.answers.chain_links import (
    Link,
    approvers_of,
    link_of,
    link_of_later_permit,
    link_of_prediction,
)
from handrail.entrypoints.answers.names import listed, moment_of, name_of
from handrail.entrypoints.answers.words import counted
from handrail.lineage import Lineage, Period, Step, Trace, completeness_of, direct_path

MOST_GAPS = 5
VERSION, PERMIT, RUN, COMMIT = "model-version", "permit", "run", "git-commit"
TREE = "artifact-tree"
DATA = ("training-data", "raw-data")
SERVED = ("report", "feedback-snapshot", "deployment", "bento")
_NEEDED = (
    (VERSION, "No registered model version is recorded on the way."),
    (RUN, "No run that made the model is recorded."),
    (COMMIT, "No git commit is recorded."),
)
NO_PERMIT = "No permit is on the way: nobody is recorded who allowed it."
LONGER = "The trace is longer than what was read of it, so more may be on the way."
NO_DATA = "No data is recorded that the model learned from."


@dataclass(frozen=True, slots=True)
class Chain:
    """The links from what was asked about back to the commit, what is missing on the way, and a sentence on it all.

    `moves` are the periods in which a moving name pointed at something on the way, oldest first.
    """

    links: tuple[Link, ...]
    missing: tuple[str, ...]
    summary: str
    moves: tuple[Period, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return path, missing and summary as JSON values."""
        return {
            "path": [link.to_json() for link in self.links],
            "missing": list(self.missing),
            "summary": self.summary,
        }


def chain_about(platform: Platform, lineage: Lineage, trace: Trace) -> Chain:
    """Return the chain of a trace of all kinds, with what feedback and the gate know."""
    return chain_of(trace, read_facts(platform, lineage, trace))


def chain_of(trace: Trace, facts: ChainFacts) -> Chain:
    """Return the chain of a trace of all kinds, with what else is known about it."""
    steps = direct_path(trace)
    links = [link_of_prediction(facts, trace)] if trace.prediction_id else []
    links += [link_of_later_permit(uri, facts) for uri in facts.later[-1:]]
    links += [link_of(step, trace, facts) for step in steps]
    missing = tuple(_missing(trace, steps))
    return Chain(tuple(links), missing, _summary(trace, steps, facts, missing), facts.moves)


def _missing(trace: Trace, steps: Sequence[Step]) -> Iterator[str]:
    stations = {step.station for step in steps}
    if trace.truncated:
        yield LONGER
        return
    if stations & {VERSION, *SERVED}:
        if stations & set(SERVED) and PERMIT not in stations:
            yield NO_PERMIT
        yield from (sentence for station, sentence in _NEEDED if station not in stations)
        if not stations & set(DATA):
            yield NO_DATA
    gaps = _gaps(trace, steps)
    yield from gaps[:MOST_GAPS]
    if len(gaps) > MOST_GAPS:
        yield f"{len(gaps) - MOST_GAPS:,} more gaps are not listed."


def _gaps(trace: Trace, steps: Sequence[Step]) -> Sequence[str]:
    """Return what the trace of the model's files does not end at; that something else is not there is said above."""
    trees = [edge.cause for edge in trace.edges if edge.cause.startswith("tree://") and edge.effect == _version(steps)]
    if not trees:
        return []
    contested = {f"{conflict.uri} was reported with two different digests." for conflict in trace.conflicts}
    found = completeness_of(trace, trees[0]).gaps
    return [gap for gap in found if gap not in contested and not gap.startswith(("No commit led", "No data with"))]


def _version(steps: Sequence[Step]) -> str:
    return next((step.node.uri for step in steps if step.station == VERSION), "")


def _summary(trace: Trace, steps: Sequence[Step], facts: ChainFacts, missing: Sequence[str]) -> str:
    start = steps[0]
    version = next((step for step in steps if step.station == VERSION), None)
    if len(steps) == 1:
        return f"Nothing is recorded that led to {name_of(start.node)}."
    if version is None or start is version:
        causes = [name_of(step.node) for step in steps[1:] if step.station in (RUN, *DATA)]
        made = f"{name_of(start.node)} came from {listed(list(dict.fromkeys(causes)) or [name_of(steps[-1].node)])}"
        said = made + (_allowed(trace, facts, facts.later[-1], "; ") if facts.later else "")
    else:
        permit = next((step.node.uri for step in steps if step.station == PERMIT), None)
        allowed = _allowed(trace, facts, permit, ", which ") if permit else ", which nobody is recorded to have allowed"
        said = f"It came from {name_of(version.node)}{allowed}"
    return f"{said}; {_tail(trace, missing)}"


def _allowed(trace: Trace, facts: ChainFacts, permit: str, before: str) -> str:
    known = facts.permits.get(permit)
    people = [name for name, _ in known.people] if known else approvers_of(permit, trace)
    it = "" if before.startswith(",") else " it"
    when = f" on {moment_of(known.at)}" if known and known.at else ""
    taken_back = ", and took back since" if known and known.revoked else ""
    return f"{before}{listed(people) if people else 'the gate'} allowed{it}{when}{taken_back}"


def _tail(trace: Trace, missing: Sequence[str]) -> str:
    conflicts, gaps = len(trace.conflicts), len(missing)
    lost = "nothing on the way is missing" if not gaps else f"{counted(gaps, 'thing')} on the way {_be(gaps)} missing"
    against = f"{counted(conflicts, 'digest')} {'contradicts another' if conflicts == 1 else 'contradict others'}"
    return f"{lost}, and {against if conflicts else 'no digest contradicts another'}."


def _be(number: int) -> str:
    return "is" if number == 1 else "are"
