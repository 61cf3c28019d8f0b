"""The gate: opens requests, takes decisions, and moves an alias when, and only when, the policy is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from handrail.approvals.domain.attesting import Target
from handrail.approvals.domain.errors import Closed, MovedMeanwhile, UnderEvaluation
from handrail.approvals.domain.events import Choice, History, Voided
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.prompts import manifest_of_texts
from handrail.approvals.domain.signatures import PersonSignature
from handrail.approvals.domain.subject import PromotionRequest, Subject
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.ports import RuleBook
from handrail.approvals.service.adoption import adoptable
from handrail.approvals.service.asking import GatePorts, Opening, read_evidence
from handrail.approvals.service.breaking import BreakGlass
from handrail.approvals.service.earlier import latest_about
from handrail.approvals.service.eligibility import eligible, policy_for_request, policy_of, refuse_answer
from handrail.approvals.service.evaluations import require_snapshot
from handrail.approvals.service.expiry import Expiry
from handrail.approvals.service.findings import Findings
from handrail.approvals.service.incumbents import incumbent_manifest
from handrail.approvals.service.moves import Mover
from handrail.approvals.service.nonce_desk import NonceDesk
from handrail.approvals.service.paging import EVERYTHING, Wanted, all_pages, read_on
from handrail.approvals.service.questioning import Questions
from handrail.approvals.service.quota import Limits, Quota
from handrail.approvals.service.reading import files_of
from handrail.approvals.service.records import Approvals
from handrail.approvals.service.renewal import Renewals, since_approvals
from handrail.approvals.service.request_view import RequestView
from handrail.approvals.service.rules_once import RulesOnce
from handrail.approvals.service.seen import Said, require_seen
from handrail.approvals.service.short_ways import refuse_strange, why_not_any_more
from handrail.approvals.service.signing import require_signed
from handrail.approvals.service.snapshot_desk import SnapshotDesk
from handrail.approvals.service.subjects import people_digest, subject_of
from handrail.approvals.service.tracing import trace_for, why_incomplete_now
from handrail.clock import Clock
from handrail.errors import Misconfigured, Refused, UnknownReference

ATTEMPTS = 10


class Gate:
    """The only way to move a protected alias."""

    def __init__(  # noqa: PLR0913 - what a gate is made of
        self,
        server: str,
        ports: GatePorts,
        mover: Mover,
        clock: Clock,
        evaluate_later: Callable[[str], None],
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        """Guard the registry of the server with this stable name; `clock` gives system time.

        `evaluate_later` is called with the id of a request that waits to be measured, and returns at once.
        """
        self._server, self._ports, self._mover, self._clock = server, ports, mover, clock
        self.revoker = mover.revoker(server)
        self._evaluate_later = evaluate_later
        self.expiry = Expiry(ports.ledger, ports.index, ports.rules, clock)
        self.records = Approvals(ports.ledger, ports.index, ports.rules, ports.findings, ports.custody)
        self.questions = Questions(ports.ledger, ports.rules, self.records, clock)
        self.findings = Findings(ports.findings, ports.index, ports.registry, ports.rules, clock)
        self.renewals = Renewals(ports.ledger, self.records, self._void_if_changed, self.open_request)
        self.glass = BreakGlass(ports, self.records, mover, self.revoker, clock, self.open_request, self._changes)
        self._quota = Quota(limits, ports.index, self.records)
        self.nonces = NonceDesk(server, ports)
        self._reader = reader = ports.reader
        self.snapshots = SnapshotDesk(ports.custody, ports.evaluator, ports.index, reader.readings, evaluate_later)

    def open_request(self, opening: Opening, account: str) -> RequestView:
        """Copy the version's files, and open a request about the copy, refused ones too; or return the one about it.

        Raises:
            StillReading, Unavailable: files are being copied, or required lineage cannot be read; repeat the call.
            UnknownReference, Misconfigured: there is no such model, version, snapshot or policy, or it cannot be used.
            Refused: the account may not ask, or the version's files or its evidence cannot be used.
        """
        candidate = self._ports.registry.candidate(opening.model, opening.version)
        policy = policy_for_request(self._ports.rules, opening, account, prompt=candidate.is_prompt)
        require_snapshot(self._ports.snapshots, opening.snapshot)
        self._quota.check(account, opening)
        manifest = self._reader.copy(candidate, account)
        incumbent = incumbent_manifest(self._ports, self._server, candidate, policy.alias, account)
        purpose = Target.about(self._server, candidate, policy.alias, manifest, incumbent)
        read = read_evidence(self._ports, opening, candidate, purpose)
        made = self._ports.provenance.makers(candidate, manifest, files_of(incumbent)).joined(read.witnesses)
        people = people_digest(self._ports.rules, policy, made.accounts, account)
        traced = trace_for(self._ports.traces, policy, opening, candidate, manifest.digest)
        subject = subject_of(self._server, self._ports, candidate, policy, read.content, manifest.digest, people)
        subject = replace(subject, **opening.marks, lineage=traced.bound if traced else None)
        refuse_strange(subject, self._ports)
        turn, earlier = latest_about(self._ports, subject, self.expiry, self._clock())
        if earlier:
            return self._waiting(self.records.request(earlier.request.request_id))
        request = PromotionRequest(
            request_id=subject.request_id(turn),
            turn=turn,
            subject=subject,
            manifest=manifest,
            evidence=read.content,
            run_id=candidate.run_id,
            authors=made.accounts,
            requester=account,
            reason=plain_text("reason", opening.reason),
            opened_at=self._clock(),
            incumbent_tree=purpose.incumbent,
            unrecorded=made.unrecorded,
            formats={} if candidate.is_prompt else self._ports.copies.formats(manifest.digest),
            bound=read.bound,
            attested=read.attested,
            renews=opening.renews,
            traced=traced,
        )
        return self._store(request)

    def _store(self, request: PromotionRequest) -> RequestView:
        self._ports.attestations.spend(request)
        stored = self._ports.ledger.open(request)
        return self._waiting(replace(self.records.view(stored), is_new=stored.request == request))

    def _waiting(self, view: RequestView) -> RequestView:
        if view.history.awaits_evaluation and not view.history.voided and not view.waits:
            self._evaluate_later(view.history.request.request_id)
        return view

    def adopt(self, model: str, alias: str, reason: str, account: str) -> RequestView:
        """Open a request that takes over the version that the alias points at since before the gate.

        It needs the quorum of the alias's policy and no evidence; its permit says that it was adopted.

        Raises:
            UnknownReference: there is no such model or policy.
            Refused: the alias points at nothing, or at what was promoted.
        """
        points_at = adoptable(self._ports.registry, model, alias)
        return self.open_request(Opening(model, str(points_at), alias, reason, {}, adopts=True), account)

    def decide(  # noqa: PLR0913 - who says what about which facts
        self,
        request_id: str,
        account: str,
        choice: Choice,
        reason: str,
        *,
        seen: str | None = None,
        signature: PersonSignature | None = None,
    ) -> RequestView:
        """Take a decision; when the quorum is met, move the alias and sign the permit before returning.

        Deciding the same again changes nothing, and takes up a move that was interrupted. An approval can be
        withdrawn by a rejection until the alias has moved; a rejection is final. `seen` is the digest of the facts that
        the person was shown, `signature` their own under the decision.

        Raises:
            UnknownReference: there is no such request.
            Closed: the request is void, rejected, refused or promoted, or became void by this look at it.
            NotEligible: this account may not decide here, or not so, or not yet.
            UnderEvaluation: the gate is measuring the version; nothing was stored, repeat it.
            NotAsShown: the facts are not those that the person was shown; nothing was stored.
            InvalidInput: the policy requires `seen`.
            NotSigned: the policy asks for a signature, or the one that came does not hold; nothing was stored.
            MoveUnderWay: another request is moving the alias; the decision is stored, repeat it.
            StillReading: the version is being compared with what was approved; the decision is stored, repeat it.
            Unavailable: the registry did not commit the move; the decision is stored, repeat it.
        """
        said = Said(account, choice, plain_text("reason", reason), seen, signature)
        for _ in range(ATTEMPTS):
            try:
                view = self.records.view(self._decide_once(request_id, said))
                if view.judgement.verdict is Verdict.APPROVED:
                    view = self.records.view(self._mover.move(view.history, self._changes(view.history)))
            except MovedMeanwhile:
                continue
            if view.judgement.verdict is Verdict.VOID:
                raise Closed(request_id, str(view.judgement.verdict), view.judgement.reasons)
            return view
        raise MovedMeanwhile(request_id)

    def request(self, request_id: str) -> RequestView:
        """Return a request as a decision would find it now. Nothing is recorded.

        Raises:
            UnknownReference: there is none.
        """
        view = self._as_of_now(self.records.request(request_id), self._ports.registry.incumbent, self._ports.rules)
        subject = view.history.request.subject
        if view.history.request.renews is None or not view.is_open:
            return view
        policy = self._ports.rules.policy(subject.model, subject.alias, prompt=subject.prompt)
        return replace(view, since=since_approvals(view, self._ports.ledger, self.records, policy))

    def requests(self, alias: str | None = None, *, only_open: bool = False) -> Sequence[RequestView]:
        """Return requests, oldest first, each as `request` does."""
        return all_pages(lambda after, most: self.page(after, most, Wanted(alias, only_open)))

    def page(self, after: int, most: int, wanted: Wanted = EVERYTHING) -> tuple[Sequence[RequestView], int | None]:
        """Return up to `most` requests that match, and the number to go on after; what may not be read counts nowhere.

        The number is None at the end. A page holds fewer only there, or where very many do not match.
        """
        incumbent, rules = cache(self._ports.registry.incumbent), RulesOnce(self._ports.rules)

        def look(at: int, count: int) -> tuple[Sequence[RequestView], int | None]:
            found, on = self.records.page(at, count, wanted)
            views = (self._as_of_now(view, incumbent, rules) for view in found)
            return [view for view in views if view.is_open or not wanted.only_open], on

        return read_on(look, after, most)

    def _as_of_now(
        self, view: RequestView, incumbent: Callable[[str, str], int | None], rules: RuleBook
    ) -> RequestView:
        """Say void where the alias has moved since; the next decision records it."""
        if not view.is_open or view.history.open_move:
            return view
        request, bound = view.history.request, view.history.request.subject
        try:
            points_at = incumbent(bound.model, bound.alias)
            policy = rules.policy(bound.model, bound.alias, prompt=bound.prompt)
            people = people_digest(rules, policy, request.authors, request.requester)
            incumbent_now = None if points_at == bound.version else points_at
            now = replace(bound, incumbent=incumbent_now, people_digest=people, tree_digest=self._tree_now(bound))
            changes = now.changes_since(bound)
            changes += why_not_any_more(bound, self._ports) + self.expiry.why(view.history, rules)
            changes += self._ports.attestations.changes(request)
        except Misconfigured:
            return view  # which says so
        except (UnknownReference, Refused) as err:
            changes = (str(err),)
        return replace(view, judgement=Judgement(Verdict.VOID, changes)) if changes else view

    def _tree_now(self, bound: Subject) -> str:
        """Return the digest of a prompt's texts as they are; the files of a model are compared only under the hold."""
        if not bound.prompt:
            return bound.tree_digest
        texts = self._ports.registry.candidate(bound.model, str(bound.version)).texts
        return manifest_of_texts(texts).digest if texts is not None else "no prompt"

    def finish_moves(self) -> tuple[str, ...]:
        """Finish or give up each interrupted move, and publish what was not, at start-up; one sentence for each."""
        return tuple(self._mover.finish(history, self._changes) for history in self._ports.index.unfinished())

    def _decide_once(self, request_id: str, said: Said) -> History:
        history = self._ports.ledger.load(request_id)
        history = self._void_if_changed(history)
        if history.voided:
            return history
        person = eligible(self._ports.rules, history, said.account)
        if said.repeats(history, person):
            return history
        view = self.records.view(history)
        if view.judgement.verdict is Verdict.EVALUATING:
            self._waiting(view)
            raise UnderEvaluation(request_id, view.waits)
        if history.open_move:
            raise Closed(request_id, "being promoted", ("Repeat the decision that met the quorum to finish it.",))
        if not view.is_open:
            raise Closed(request_id, str(view.judgement.verdict), view.judgement.reasons)
        refuse_answer(self._ports.rules, history, said.account, said.choice)
        require_seen(view, said.seen, policy_of(self._ports.rules, history))
        decision = said.by(person, self._clock())
        require_signed(decision, history, self._ports)
        return self._ports.ledger.append(history, decision)

    def _void_if_changed(self, history: History) -> History:
        if history.done or history.voided or history.open_move:
            return history
        changes = self._changes(history)
        return self._ports.ledger.append(history, Voided(self._clock(), changes)) if changes else history

    def _changes(self, history: History) -> tuple[str, ...]:
        """Compare what the request binds with the world now, but for the files: these are compared under the hold."""
        request = history.request
        bound = request.subject
        try:
            candidate = self._ports.registry.candidate(bound.model, str(bound.version))
        except (UnknownReference, Refused) as err:
            return (str(err),)
        policy = self._ports.rules.policy(bound.model, bound.alias, prompt=bound.prompt)
        people = people_digest(self._ports.rules, policy, request.authors, request.requester)
        now = subject_of(self._server, self._ports, candidate, policy, request.evidence, bound.tree_digest, people)
        changes = now.said_as(bound).changes_since(bound) + why_incomplete_now(self._ports.traces, bound, candidate)
        changes += why_not_any_more(bound, self._ports) + self.expiry.why(history)
        return changes + self._ports.attestations.changes(request)
