"""A request as it is looked at: its history, the verdict on it, and what is known beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from handrail.approvals.domain.events import Choice, Decided, History, Rejection
from handrail.approvals.domain.facts import digest_of_facts, evaluation_json, facts_of
from handrail.approvals.domain.findings import Finding
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.policy import Measured
from handrail.approvals.domain.questions import Question, questions_of
from handrail.approvals.domain.room import measured_json


@dataclass(frozen=True, slots=True)
class SinceApproval:
    """An approval of a request that another one renews, and what changed since it was given."""

    approval: Decided
    request_id: str
    changes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return who approved which request when, and the changes, as JSON values."""
        return {
            "person": self.approval.person,
            "request_id": self.request_id,
            "at": self.approval.at.isoformat(),
            "changes": list(self.changes),
        }


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request with the verdict on it at this moment; `is_new` is true only where this call opened it.

    `measures` has each rule with what is known of its measure; `rejections` are those of the same files in other
    requests; `findings` are about what it asks for, open ones and those that were closed since it was opened;
    `since` says what changed since the approvals of the request that it renews; `waits` for whose confirmation its
    labelled rows wait.
    """

    history: History
    judgement: Judgement
    is_new: bool = False
    measures: tuple[Measured, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    findings: tuple[Finding, ...] = ()
    since: tuple[SinceApproval, ...] = ()
    waits: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether decisions can still change the outcome."""
        return self.judgement.verdict in (Verdict.EVALUATING, Verdict.PENDING, Verdict.APPROVED)

    @property
    def facts(self) -> dict[str, Any]:
        """What a person judges the request by."""
        return facts_of(self.history, self.measures, self.rejections, self.findings)

    @property
    def seen(self) -> str:
        """The digest of the facts, which a decision carries."""
        return digest_of_facts(self.facts)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions about it, in the order in which they were asked."""
        return questions_of(self.history)

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When a fact may have changed."""
        found = (each for finding in self.findings for each in (finding.opened, finding.closed) if each)
        return tuple(each.at for each in (*self.history.events, *self.rejections, *found))

    def to_json(self) -> dict[str, Any]:
        """Return the request, its decisions and its verdict as JSON values."""
        request = self.history.request
        return request.subject.to_json() | {
            "request_id": request.request_id,
            "seen": self.seen,
            "verdict": str(self.judgement.verdict),
            "reasons": [*self.judgement.reasons, *map(_rejected_before, self.rejections)],
            "requester": request.requester,
            "reason": request.reason,
            "authors": list(request.authors),
            "run_id": request.run_id,
            "opened_at": request.opened_at.isoformat(),
            "decisions": [
                {
                    "person": decision.person,
                    "account": decision.account,
                    "decision": str(decision.choice),
                    "reason": decision.reason,
                    "at": decision.at.isoformat(),
                    "signed_by": decision.signature.key_id if decision.signature else None,
                    "counts": decision in self.judgement.approvers or decision.choice is Choice.REJECT,
                }
                for decision in self.history.decisions
            ],
            "files": len(request.manifest.files),
            "formats": dict(request.formats or {}),
            "revoked": _revoked(self.history),
            "measures": [measured_json(measured) for measured in self.measures],
            "evidence_files": {name: asdict(file) for name, file in request.bound.items()},
            "attestations": {name: one.to_json() for name, one in request.attested.items()},
            "rejections": [rejection.to_json() for rejection in self.rejections],
            "evaluation": evaluation_json(self.history.evaluated),
            "waits": self.waits,
            "traced": request.traced.to_json() if request.traced else None,
            "renews": request.renews,
            "changes": [since.to_json() for since in self.since],
            "findings": [finding.to_json() for finding in self.findings],
            "questions": [question.to_json() for question in self.questions],
        }


def _revoked(history: History) -> dict[str, str] | None:
    said = history.revoked
    return None if said is None else {"person": said.person, "reason": said.reason, "at": said.at.isoformat()}


def _rejected_before(rejection: Rejection) -> str:
    when = f"{rejection.at:%Y-%m-%d}"
    return f"{rejection.person} rejected the same files on {when} in {rejection.request_id}: {rejection.reason!r}"
