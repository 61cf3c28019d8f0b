"""A ledger for callers that are not trusted: it stores what can have happened by its own policies and roles.

Nothing here believes who calls. What stays with the caller is what only it can see: who has logged in, who made what,
and what the registry holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import local

from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.events import (
    Answered,
    Decided,
    Evaluated,
    Event,
    History,
    MoveDone,
    MoveIntended,
    Reverting,
    Revoked,
)
from handrail.approvals.domain.expiry import why_expired
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.possible import CLOCKS_APART, why_impossible
from handrail.approvals.domain.prompts import is_of_prompt
from handrail.approvals.domain.subject import Candidate, PromotionRequest, Purpose
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Ledger, Provenance, RequestIndex, RuleBook, Signer
from handrail.approvals.service.asking import digests_of
from handrail.approvals.service.attestations import Attestations
from handrail.approvals.service.drafting import draft_permit
from handrail.approvals.service.eligibility import eligible, refuse_answer
from handrail.approvals.service.findings import shutting, why_shut
from handrail.approvals.service.proven_ways import ProvenWays
from handrail.approvals.service.questioning import who_answers
from handrail.approvals.service.records import Approvals
from handrail.approvals.service.revoking import revoker_behind
from handrail.approvals.service.seen import require_seen
from handrail.approvals.service.short_ways import GATE, why_no_way_back
from handrail.approvals.service.signing import Signatures, matter_of
from handrail.approvals.signature_ports import SignatureCheck
from handrail.clock import Clock
from handrail.errors import HandrailError, Refused, UnknownReference
from handrail.manifest import Manifest, canonical_json

REMEDY = "Restart the MLflow server if it is of another release; else somebody runs code of their own as its user."


@dataclass(frozen=True, slots=True)
class ProvenLedger(Ledger):
    """Keeps the promise of `Ledger` in front of another, for what can have happened and follows from its own rules.

    `why_not_measured` says why an outcome of an evaluation is not one that was measured here, None if it is one.
    """

    server: str
    environment: str
    ledger: Ledger
    index: RequestIndex
    provenance: Provenance
    findings: FindingBook
    rules: RuleBook
    signer: Signer
    clock: Clock
    signatures: SignatureCheck
    why_not_measured: Callable[[History, Evaluated], str | None]
    attestations: Attestations
    _given: local = field(default_factory=local, repr=False, compare=False)

    def open(self, request: PromotionRequest) -> History:
        """Store the request unless its id is there already; return what is stored.

        Raises:
            Refused: it contradicts itself, the policy or the roles as they stand here.
        """
        try:
            return self.ledger.load(request.request_id)
        except UnknownReference:
            refusal = self._why_no_request(request) or self.attestations.why_unproven(request)
        if refusal:
            raise Refused(f"Storing the promotion request {request.request_id!r}", (refusal, REMEDY))
        return self.ledger.open(request)

    def append(self, history: History, event: Event) -> History:
        """Store one more event after those in `history`, if it follows from what is stored.

        Raises:
            MovedMeanwhile: the stored request has other events by now.
            MoveUnderWay: another request holds the alias.
            Refused: it cannot have happened.
            NotEligible: this account may not decide, or not take back.
            NotSigned: the decision lacks a valid signature of its person.
        """
        request_id = history.request.request_id
        # What this thread was just given is as it is stored; if others write meanwhile, the append itself refuses.
        stored = history if history is self._given.__dict__.pop("history", None) else self.ledger.load(request_id)
        if len(stored.events) != len(history.events):
            raise MovedMeanwhile(request_id)
        refusal = why_impossible(stored, event, self.clock()) or self._why_unproven(stored, event)
        if refusal:
            raise Refused(f"Storing {type(event).__name__!r} for {request_id!r}", (refusal, REMEDY))
        return self.ledger.append(stored, event)

    def load(self, request_id: str) -> History:
        """Return a request with all its events."""
        self._given.history = self.ledger.load(request_id)
        given: History = self._given.history
        return given

    def _why_no_request(self, request: PromotionRequest) -> str | None:
        subject = request.subject
        policy = self.rules.policy(subject.model, subject.alias, prompt=subject.prompt)
        people = self.rules.directory().digest_for(policy.concerned, [*request.authors, request.requester])
        holds = {
            "It is of another server.": subject.server == self.server,
            "Its id is not that of its subject.": request.request_id == subject.request_id(request.turn),
            "Its turn was taken.": request.turn == len(self.index.find(subject_key=subject.key)),
            "It is about a prompt, and its files are not those of one.": is_of_prompt(request.manifest)
            or not subject.prompt,
            "Its list of files has another digest.": request.manifest.digest == subject.tree_digest,
            "Its evidence has another digest.": digests_of(request.evidence) == dict(subject.evidence),
            "It names files as evidence that it does not hold.": set(request.bound) <= set(request.evidence),
            "The policy is another one here.": (policy.alias, policy.digest) == (subject.alias, subject.policy_digest),
            "The persons and roles are other ones here.": people == subject.people_digest,
            "It binds another lineage than it holds.": _binds_lineage(request),
            "The clocks are apart.": abs(request.opened_at - self.clock()) <= CLOCKS_APART,
            "Its reason is not plain text.": is_plain(request.reason),
            "It leaves out who made the version or its run.": self._known_makers(request) <= {*request.authors},
        }
        return next((sentence for sentence, is_so in holds.items() if not is_so), None) or self._ways.why_no_request(
            request
        )

    def _known_makers(self, request: PromotionRequest) -> set[str]:
        """Return who made version and run as recorded here; which folder the files lie in, only the server knows."""
        subject = request.subject
        nowhere = subject.tree_digest
        made = (subject.model, subject.epoch, subject.version, subject.created)
        return {*self.provenance.makers(Candidate(*made, nowhere, request.run_id), Manifest(())).accounts}

    def _why_unproven(self, stored: History, event: Event) -> str | None:
        match event:
            case Decided():
                return self._why_no_decision(stored, event)
            case Answered():
                return self._why_no_answer(stored, event)
            case Evaluated():
                return self.why_not_measured(stored, event)
            case MoveIntended():
                return self._why_no_move(stored, event)
            case MoveDone():
                assert stored.open_move is not None
                signed = self.signer.sign(canonical_json(stored.open_move.statement)).to_json()
                return None if event.envelope == signed else "The permit is not the one that was intended."
            case Reverting():
                return self._ways.why_no_revert(stored, event)
            case Revoked():
                return self._why_no_revocation(stored, event)
        return None

    @property
    def _ways(self) -> ProvenWays:
        return ProvenWays(self.ledger, self.index, self.clock)

    def _why_no_answer(self, stored: History, event: Answered) -> str | None:
        person = who_answers(self.rules, stored, event.account)
        if person != event.person:
            return f"{event.account!r} belongs to {person!r}."
        return None if is_plain(event.answer) else "The answer is not plain text."

    def _why_no_revocation(self, stored: History, event: Revoked) -> str | None:
        if event.account == GATE:
            return self._ways.why_not_over(stored)
        revoker = revoker_behind(event.account, stored, self.rules)
        return None if revoker.name == event.person else f"{event.account!r} belongs to {revoker.name!r}."

    def _why_no_decision(self, stored: History, event: Decided) -> str | None:
        person = eligible(self.rules, stored, event.account)
        if person != event.person:
            return f"{event.account!r} belongs to {person!r}."
        if not is_plain(event.reason):
            return "Its reason is not plain text."
        refuse_answer(self.rules, stored, event.account, event.choice)
        view = Approvals(self.ledger, self.index, self.rules, self.findings).view(stored)
        subject = stored.request.subject
        policy = self.rules.policy(subject.model, subject.alias, prompt=subject.prompt)
        if expired := why_expired(stored, policy.request_days, self.clock()):
            return " ".join(expired)
        if subject.purpose is not Purpose.BREAK_GLASS:
            require_seen(view, event.seen, policy)
        signatures = Signatures(self.server, self.signatures)
        signatures.require(event, matter_of(stored, policy), self.rules.directory(), self.clock())
        verdict = view.judgement.verdict
        return None if verdict in (Verdict.PENDING, Verdict.APPROVED) else f"The request is {verdict}."

    def _why_no_move(self, stored: History, event: MoveIntended) -> str | None:
        draft = draft_permit(stored, event.at, self.index, self.rules, self.environment)
        if not draft.is_allowed:
            return " ".join((f"The request is {draft.judgement.verdict}.", *draft.judgement.reasons))
        subject = stored.request.subject
        days = self.rules.policy(subject.model, subject.alias, prompt=subject.prompt).request_days
        if expired := why_expired(stored, days, self.clock()):
            return " ".join(expired)
        if back := why_no_way_back(subject, self.index):
            return " ".join(back)
        if shut := why_shut(shutting(self.findings, subject), subject):
            return " ".join(shut)
        if changed := self.attestations.changes(stored.request):
            return " ".join(changed)
        same = canonical_json(draft.statement) == canonical_json(event.statement)
        return None if same else "The permit states something else than follows from the ledger and the rules here."


def _binds_lineage(request: PromotionRequest) -> bool:
    traced = request.traced
    bound = traced.bound if traced else None
    return bound == request.subject.lineage and not (traced and traced.contradicts_itself)


def is_plain(text: str) -> bool:
    """Say whether a text is one line of printable characters, as people's words are stored."""
    try:
        return plain_text("reason", text) == text
    except HandrailError:
        return False
