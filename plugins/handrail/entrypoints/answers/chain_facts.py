"""What feedback, the gate and the moving names know about the things of a trace: read here, written elsewhere.

Whatever cannot be read is left out: a chain without a score is better than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from handrail.approvals import RequestView
from handrail.bootstrap import Platform
from handrail.errors import HandrailError, UnknownReference
from handrail.feedback import Prediction
from handrail.lineage import Direction, Lineage, Node, Period, Trace, direct_path
from handrail.use_case import UseCase, read_use_case

PERMIT, VERSION, DEPLOYMENT = "permit", "model-version", "deployment"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a prediction by now: the value of one kind of feedback, in words if the project has some."""

    kind: str
    value: float
    word: str
    occurred_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the gate knows about a permit. `people` are those who allowed it, each with their roles as they are now.

    `requester` is an account, and `asked_by` whose it is, empty if nobody's. `rules` counts the rules of the policy,
    and `met` those of them that are met.
    """

    request_id: str
    use: str
    people: tuple[tuple[str, tuple[str, ...]], ...]
    requester: str
    opened_at: datetime
    at: datetime | None
    policy: str
    met: int = 0
    rules: int = 0
    files: int = 0
    revoked: bool = False
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What is known beside the graph. `answer` says in words what was predicted; `permits` are by their URIs.

    `later` are permits of the thing itself, which are no cause of it. `moves` are the periods in which a moving name
    pointed at something on the way, oldest first.
    """

    prediction: Prediction | None = None
    answer: str = ""
    outcomes: tuple[Outcome, ...] = ()
    permits: Mapping[str, Allowed] = field(default_factory=dict)
    later: tuple[str, ...] = ()
    moves: tuple[Period, ...] = ()


def read_facts(platform: Platform, lineage: Lineage, trace: Trace) -> ChainFacts:
    """Read what is known beside a trace; nothing of it fails for what is not there."""
    on_the_way = [step.node for step in direct_path(trace)]
    later = _later_permits(lineage, trace)
    permits = {}
    for uri in [*(node.uri for node in on_the_way if node.kind == PERMIT), *later]:
        # The ledger may lie elsewhere, behind a keeper.
        with suppress(HandrailError):
            permits[uri] = read_allowed(platform, uri)
    prediction, answer, outcomes = _predicted(platform, trace)
    return ChainFacts(prediction, answer, outcomes, permits, later, _moves(lineage, on_the_way))


def read_allowed(platform: Platform, uri: str) -> Allowed:
    """Return what the gate of this project knows about a permit.

    Raises:
        HandrailError: its ledger cannot be read here, or has no such request.
    """
    view = platform.approvals.request(uri.rpartition("/")[2])
    if uri.split("/")[2] != view.history.request.subject.server:
        raise UnknownReference("permit", uri, "It is another server's.")
    asked_by = platform.approvals.person(view.history.request.requester)
    return replace(allowed_by(view, platform.approvals.roles()), asked_by=asked_by or "")


def allowed_by(view: RequestView, roles: Mapping[str, tuple[str, ...]]) -> Allowed:
    """Return what a request says about its permit, with the roles of persons as they are now."""
    request, done = view.history.request, view.history.done
    subject = request.subject
    return Allowed(
        request_id=request.request_id,
        use=f"{subject.model} {subject.version} as {subject.alias}",
        people=tuple((said.person, roles.get(said.person, ())) for said in view.judgement.approvers),
        requester=request.requester,
        opened_at=request.opened_at,
        at=done.at if done else None,
        policy=subject.policy_digest,
        met=sum(measure.failure is None for measure in view.measures),
        rules=len(view.measures),
        files=len(request.manifest.files),
        revoked=view.history.revoked is not None,
    )


def _later_permits(lineage: Lineage, trace: Trace) -> tuple[str, ...]:
    """Return the permits that were given for a model version: effects of it, so that its trace does not have them."""
    if trace.prediction_id or not any(node.uri == trace.start and node.kind == VERSION for node in trace.nodes):
        return ()
    with suppress(HandrailError):
        effects = lineage.trace(trace.start, depth=1, direction=Direction.EFFECTS)
        counting = {edge.effect for edge in effects.edges if edge.counts}
        return tuple(node.uri for node in effects.nodes if node.kind == PERMIT and node.uri in counting)
    return ()


def _moves(lineage: Lineage, on_the_way: Sequence[Node]) -> tuple[Period, ...]:
    """Return when aliases and slots pointed at the version and the deployment on the way."""
    found: list[Period] = []
    for node in on_the_way:
        if node.kind in (VERSION, DEPLOYMENT):
            with suppress(HandrailError):
                found += lineage.show(node.uri).pointers
    return tuple(sorted(found, key=lambda period: (period.since, period.name)))


def _predicted(platform: Platform, trace: Trace) -> tuple[Prediction | None, str, tuple[Outcome, ...]]:
    if trace.prediction_id is None:
        return None, "", ()
    try:
        prediction = platform.feedback.find_prediction(trace.prediction_id)
        said = platform.feedback.feedback_about(trace.prediction_id)
    except HandrailError:
        return None, "", ()
    case = _case_of(platform, trace)
    current = {event.kind: event for event in said}
    outcomes = tuple(
        Outcome(kind, event.value, _outcome_word(case, kind, event.value), event.occurred_at, event.source)
        for kind, event in sorted(current.items())
        if event.value is not None
    )
    return prediction, answer_of(prediction, case), outcomes


def _case_of(platform: Platform, trace: Trace) -> UseCase | None:
    """Return what the project predicts, if what made this prediction is the project's own model."""
    return case_of(platform, [node.uri for node in trace.nodes if node.kind == VERSION])


def case_of(platform: Platform, versions: Sequence[str]) -> UseCase | None:
    """Return what the project predicts, if one of these model versions is of the project's own model."""
    model = f"/registered/{platform.settings.model_name}/"
    if not any(model in uri for uri in versions):
        return None
    with suppress(HandrailError):
        return read_use_case(platform.settings.project)
    return None


def answer_of(prediction: Prediction, case: UseCase | None) -> str:
    """Return in words what was predicted: by the words of the project, else the score and the label as they are."""
    word = label_word(case, prediction.label)
    if case is None or not word:
        unit = case.label.unit if case and case.label.unit else ""
        return f"{prediction.score:.4g} {unit}".rstrip() + ("" if unit else f", label {prediction.label}")
    if case.label.positive and prediction.label == 0:
        return f"{prediction.score:.3f}, not called {case.label.positive}"
    return f"{prediction.score:.3f}, called {word}"


def label_word(case: UseCase | None, label: float) -> str:
    """Return the project's word for a label, empty if it has none."""
    if case is None or label != int(label):
        return ""
    words = case.label.classes or (case.label.negative or "", case.label.positive or "")
    return words[int(label)] if 0 <= label < len(words) else ""


def _outcome_word(case: UseCase | None, kind: str, value: float) -> str:
    word = label_word(case, value) if case and kind == case.label.feedback else ""
    return word or f"{value:g}"
