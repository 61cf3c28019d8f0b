"""Reads what an impact means for people: from the graph, the moving names, feedback and the gate.

Whatever cannot be read is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from handrail.bootstrap import Platform
from handrail.clock import system_time
from handrail.entrypoints.answers.chain_facts import label_word, read_allowed
from handrail.entrypoints.answers.chain_links import approvers_of
from handrail.entrypoints.answers.names import name_at, name_of
from handrail.entrypoints.answers.reach import Concerned, Outcomes, Reach, Served, Touched, state_of
from handrail.entrypoints.answers.slots import is_shadow
from handrail.errors import HandrailError
from handrail.lineage import Impact, Lineage, Period, Trace, Verb
from handrail.use_case import UseCase, read_use_case

MOST_VERSIONS = 50
MOST_JUDGED = 10_000
"""Above so many predictions their outcomes are not counted unless more is asked for: a page never waits."""
ALIAS = "mlflow alias "
_BEGIN = datetime(1970, 1, 2, tzinfo=UTC)


def reach_of(platform: Platform, lineage: Lineage, impact: Impact, most_judged: int = MOST_JUDGED) -> Reach:
    """Return what an impact means for people; outcomes are counted of up to `most_judged` predictions."""
    serves = _versions_by_deployment(platform, lineage, impact.predictions)
    deployments = tuple(_served(lineage, uri, serves, impact) for uri in sorted(impact.predictions))
    made: Counter[str] = Counter()
    for uri, number in impact.predictions.items():
        made[serves.get(uri, "")] += number
    uris = list(impact.names.get("model-version", ()))[:MOST_VERSIONS]
    placed: dict[str, list[Served]] = {}
    for each in deployments:
        placed.setdefault(serves.get(each.uri, ""), []).append(each)
    versions = tuple(
        _touched(lineage, uri, impact.start, made[uri], state_of(placed.get(uri, ()), made[uri])) for uri in uris
    )
    too_many = impact.total > most_judged
    outcomes = () if too_many else _outcomes(platform, [uri for uri, number in impact.predictions.items() if number])
    return Reach(impact, versions, deployments, outcomes, _concerned(platform, lineage, impact, uris), too_many)


def _versions_by_deployment(platform: Platform, lineage: Lineage, reached: Iterable[str]) -> Mapping[str, str]:
    """Return the version that each deployment serves: as it was registered, else the nearest that led to it."""
    found: dict[str, str] = {}
    with suppress(HandrailError):
        found = {each.uri: each.model_version_uri or "" for each in platform.feedback.deployments()}
    for uri in reached:
        if not found.get(uri):
            with suppress(HandrailError):
                nodes = lineage.trace(uri).nodes
                found[uri] = next((node.uri for node in nodes if node.kind == "model-version"), "")
    return found


def _periods(lineage: Lineage, uri: str) -> Sequence[Period]:
    with suppress(HandrailError):
        return lineage.show(uri).pointers
    return ()


def _served(lineage: Lineage, uri: str, serves: Mapping[str, str], impact: Impact) -> Served:
    periods = _periods(lineage, uri)
    last = periods[-1] if periods else None
    version = serves.get(uri) or ""
    return Served(
        uri,
        name_at(uri),
        name_at(version) if version else name_at(uri),
        last.since if last else None,
        last.until if last else None,
        impact.predictions.get(uri, 0),
        last is not None and is_shadow(last.name, frozenset(lineage.pointer_names())),
    )


def _touched(lineage: Lineage, uri: str, start: str, predictions: int, state: str) -> Touched:
    periods = _periods(lineage, uri)
    allowed: dict[str, None] = {}
    for name in dict.fromkeys(period.name for period in periods):
        with suppress(HandrailError):
            found = (period for period in lineage.timeline(name) if period.target == uri)
            allowed |= {name_at(agent): None for period in found for agent in period.agents}
    aliases = tuple(period.name.removeprefix(ALIAS) for period in periods if period.until is None)
    return Touched(uri, name_at(uri), aliases, state, predictions, tuple(allowed), _way(lineage, uri, start))


def _way(lineage: Lineage, uri: str, start: str) -> tuple[str, ...]:
    """Return the names on a shortest way from the start to a version."""
    try:
        trace = lineage.trace(uri)
    except HandrailError:
        return ()
    return way_in(trace, start)


def way_in(trace: Trace, cause: str) -> tuple[str, ...]:
    """Return the names on a shortest way in a trace from a cause to its start, both included; none if there is none."""
    causes: dict[str, list[str]] = {}
    for edge in trace.edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    before: dict[str, str] = {trace.start: ""}
    queue = deque([trace.start])
    while queue and cause not in before:
        here = queue.popleft()
        for there in causes.get(here, ()):
            if there not in before:
                before[there] = here
                queue.append(there)
    names = {node.uri: name_of(node) for node in trace.nodes}
    way, here = [], cause if cause in before else ""
    while here:
        way.append(names.get(here, name_at(here)))
        here = before[here]
    return tuple(way)


def _outcomes(platform: Platform, deployments: Sequence[str]) -> tuple[Outcomes, ...]:
    try:
        case = read_use_case(platform.settings.project)
        kind, now = case.label.feedback, system_time()
        counts: Counter[tuple[str, str | None]] = Counter()
        for uri in deployments:
            cohort = platform.feedback.cohort(uri, kind, _BEGIN, now + timedelta(days=1), now)
            counts.update(
                (_word(case, predicted), None if label is None else _word(case, label))
                for predicted, label in zip(cohort.predicted, cohort.label, strict=True)
            )
    except HandrailError:
        return ()
    rows = sorted(counts.items(), key=lambda row: (row[0][0], row[0][1] is None, row[0][1] or ""))
    return (Outcomes(kind, tuple((*key, number) for key, number in rows)),) if rows else ()


def _word(case: UseCase, label: float) -> str:
    return label_word(case, label) or f"{label:g}"


def _concerned(platform: Platform, lineage: Lineage, impact: Impact, versions: Sequence[str]) -> tuple[Concerned, ...]:
    """Return who allowed, asked for or made what was reached; each once, with all reasons."""
    found: dict[str, dict[str, None]] = {}

    def add(name: str, why: str) -> None:
        # An account and the person behind it are one to notify.
        with suppress(HandrailError):
            name = platform.approvals.person(name) or name
        found.setdefault(name, {})[why] = None

    for uri in list(impact.names.get("permit", ()))[:MOST_VERSIONS]:
        for name, why in _behind(platform, lineage, uri):
            add(name, why)
    for uri in versions:
        with suppress(HandrailError):
            for edge in lineage.trace(uri, depth=2).edges:
                if edge.verb is Verb.ASSOCIATED_WITH and edge.cause.startswith("actor://"):
                    add(name_at(edge.cause), f"made {name_at(uri)}")
    return tuple(Concerned(name, tuple(why)) for name, why in sorted(found.items()))


def _behind(platform: Platform, lineage: Lineage, permit: str) -> Sequence[tuple[str, str]]:
    """Return who allowed and who asked for a permit: as the gate knows, else those whom lineage has as approvers."""
    try:
        allowed = read_allowed(platform, permit)
    except HandrailError:
        with suppress(HandrailError):
            trace = lineage.trace(permit, depth=2)
            return [(name, f"allowed {name_at(permit)}") for name in approvers_of(permit, trace)]
        return ()
    return [
        *((name, f"allowed {allowed.use}") for name, _ in allowed.people),
        (allowed.asked_by or allowed.requester, f"asked for {allowed.use}"),
    ]
