"""Whether a person decides about the facts as they are, or about what they were shown before something changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from handrail.approvals.domain.errors import NotAsShown
from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.facts import Facts, changes_between, digest_of_facts
from handrail.approvals.domain.findings import as_of
from handrail.approvals.domain.judging import measured
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.questions import open_questions
from handrail.approvals.domain.signatures import PersonSignature
from handrail.approvals.service.request_view import RequestView
from handrail.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Said:
    """What an account says about a request; `seen` is the digest of the facts that its person was shown."""

    account: str
    choice: Choice
    reason: str
    seen: str | None = None
    signature: PersonSignature | None = None

    def repeats(self, history: History, person: str) -> bool:
        """Whether the person's last word says the same; a question does so while it is open."""
        last = next((decision for decision in history.decisions if decision.person == person), None)
        if last is None or last.choice is not self.choice:
            return False
        asked = {question.asked.reason for question in open_questions(history) if question.asked.person == person}
        return self.choice is not Choice.ASK or self.reason in asked

    def by(self, person: str, at: datetime) -> Decided:
        """Return the decision of the person whose account it is."""
        return Decided(at, self.account, person, self.choice, self.reason, self.seen, self.signature)


def require_seen(view: RequestView, seen: str | None, policy: Policy) -> None:
    """Let a decision pass that was made about the facts as they are.

    Args:
        view: the request as it is now.
        seen: the digest that the person was shown, None if the decision carries none.
        policy: the policy by which the request is judged.

    Raises:
        NotAsShown: the person was shown other facts; it says what changed since.
        InvalidInput: no digest came, and the policy requires one.
    """
    request_id = view.history.request.request_id
    if seen is None:
        if policy.seen_required or policy.signed:
            remedy = f"Look at the request with 'handrail approvals show {request_id}', and send the 'seen' it shows."
            raise InvalidInput("seen", "it is missing, and the policy requires it", remedy)
        return
    if seen == view.seen:
        return
    shown = next((facts for facts in _earlier(view, policy) if digest_of_facts(facts) == seen), None)
    unknown = f"The request never had the facts with the digest {seen!r}."
    changes = changes_between(shown, view.facts) if shown else (unknown,)
    raise NotAsShown(request_id, seen, changes)


def _earlier(view: RequestView, policy: Policy) -> Iterator[Facts]:
    """Yield the facts as they were after each thing that happened, the last one first."""
    moments = {view.history.request.opened_at, *view.moments}
    for moment in sorted(moments, reverse=True):
        yield facts_at(view, policy, moment)


def facts_at(view: RequestView, policy: Policy, moment: datetime) -> Facts:
    """Return the facts as a person was shown them at a moment; rules as the policy has them now."""
    events = tuple(event for event in view.history.events if event.at <= moment)
    history = replace(view.history, events=events)
    rejections = tuple(rejection for rejection in view.rejections if rejection.at <= moment)
    findings = as_of(view.findings, moment)
    measures = measured(history, policy)
    return replace(view, history=history, measures=measures, rejections=rejections, findings=findings).facts
