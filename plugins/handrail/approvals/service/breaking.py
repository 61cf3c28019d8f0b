"""Breaking the glass: one person moves an alias at once, two others confirm it, or the gate reverts it by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Choice, Decided, History, Reverting, Revoked
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.short_requests import why_no_breaking
from handrail.approvals.domain.signatures import PersonSignature
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service.asking import GatePorts, Opening
from handrail.approvals.service.moves import Mover
from handrail.approvals.service.records import Approvals
from handrail.approvals.service.request_view import RequestView
from handrail.approvals.service.revoking import Revoker
from handrail.approvals.service.short_ways import GATE, Emergency, approvals_before, expires
from handrail.approvals.service.signing import require_signed
from handrail.clock import Clock
from handrail.errors import HandrailError, Refused, UnknownReference

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Breaks the glass, and looks after it. Every call may be repeated.

    `open_request` and `changes` are the gate's own.
    """

    ports: GatePorts
    records: Approvals
    mover: Mover
    revoker: Revoker
    clock: Clock
    open_request: Callable[[Opening, str], RequestView]
    changes: Callable[[History], tuple[str, ...]]
    _reported: set[str] = field(default_factory=set)

    def break_glass(
        self, opening: Opening, account: str, signature: PersonSignature | None = None
    ) -> tuple[RequestView, RequestView]:
        """Move an alias at once, by the word of one person; return the request, and the one that confirms it.

        Args:
            opening: model, version, alias and the reason; evidence is not asked for.
            account: whose person breaks the glass.
            signature: theirs, where the policy asks for it.

        Raises:
            UnknownReference: there is no such model, version or policy.
            NotEligible: the person has not the role, or made the version and the policy does not let makers.
            Refused: a format that runs code, files that cannot be used, or another emergency that waits for its
                confirmation.
            NotSigned: the policy asks for a signature, or the one that came does not hold.
            MoveUnderWay: another request is moving the alias; repeat it.
            Unavailable: the registry did not commit the move; repeat it.
        """
        alias = folded(opening.alias)
        if waiting := self._unconfirmed(opening.model, alias):
            return self._the_same(waiting, opening)
        prompt = self.ports.registry.candidate(opening.model, opening.version).is_prompt
        policy, directory = self.ports.rules.policy(opening.model, alias, prompt=prompt), self.ports.rules.directory()
        # Before anything is hashed or held: that is done for those alone who may.
        if refusal := why_no_breaking(account, directory, policy, ()):
            raise NotEligible(account, opening.model, refusal)
        view = self.open_request(opening, account)
        if view.judgement.verdict is Verdict.REFUSED:
            raise Refused(f"Breaking the glass for {view.history.request.label}", view.judgement.reasons)
        person = directory.person_behind(account)
        assert person is not None
        history = self.ports.ledger.load(view.history.request.request_id)
        if not history.decisions:
            reason = view.history.request.reason
            said = Decided(self.clock(), account, person.name, Choice.APPROVE, reason, None, signature)
            require_signed(said, history, self.ports)
            history = self.ports.ledger.append(history, said)
        history = self.mover.move(history, self.changes(history))
        if not history.done:
            reasons = self.records.view(history).judgement.reasons
            raise Refused(f"Breaking the glass for {history.request.label}", reasons)
        _log.error("%s broke the glass for %s: %r", person.name, history.request.label, history.request.reason)
        return self.records.view(history), self._confirmation(history)

    def watch(self) -> None:
        """Ask for confirmations that are missing, and revert what nobody confirmed in time; called every minute."""
        try:
            waiting = [row for row in self.ports.index.promoted() if row.purpose is Purpose.BREAK_GLASS]
        except HandrailError as err:
            _log.error("Whether a broken glass waits for anything cannot be seen; it is tried again. %s", err)
            return
        for row in waiting:
            try:
                self._look_after(self.ports.ledger.load(row.request_id))
            except HandrailError as err:
                _log.error(
                    "%s broke the glass, and could not be looked after; it is tried again. %s", row.request_id, err
                )

    def in_force(self) -> tuple[Emergency, ...]:
        """Return each emergency by which an alias points where it does, and that nobody has confirmed.

        Raises:
            HandrailError: the ledger or the registry cannot be read.
        """
        rows = (row for row in self.ports.index.promoted() if row.purpose is Purpose.BREAK_GLASS)
        found = (self._unconfirmed(row.model, folded(row.alias)) for row in rows)
        return tuple(Emergency(history, expires(history)) for history in found if history)

    def confirmation_of(self, broken: History) -> History | None:
        """Return the request by which others confirm an emergency, as the policy stands; None if none was opened yet.

        Raises:
            UnknownReference, Misconfigured: the alias has no policy any more, or it cannot be used.
        """
        subject = broken.request.subject
        policy = self.ports.rules.policy(subject.model, subject.alias, prompt=subject.prompt)
        asked = replace(subject, purpose=Purpose.CONFIRMATION, about=broken.request.request_id)
        found = self.ports.index.find(subject_key=replace(asked, policy_digest=policy.digest).key)
        return found[-1] if found else None

    def _look_after(self, history: History) -> None:
        subject = history.request.subject
        if self.ports.registry.incumbent(subject.model, subject.alias) != subject.version:
            return  # somebody moved it around the gate, which the other watch reports
        if self.clock() < expires(history):
            self._confirmation(history)
        else:
            self._revert(history)

    def _revert(self, history: History) -> None:
        """Take the permit back, and move the alias to where it was before, if it can go there."""
        request = history.request
        if request.request_id in self._reported:
            return None
        if not history.revoked:
            reason = "Nobody confirmed it until its permit expired."
            history = self.ports.ledger.append(history, Revoked(self.clock(), GATE, GATE, reason))
            self.revoker.publish()
        if request.subject.incumbent is None:
            return self._report(history, "the alias pointed at nothing before")
        opening = Opening(
            model=request.subject.model,
            version=str(request.subject.incumbent),
            alias=request.subject.alias,
            reason=f"Nobody confirmed {request.request_id} until its permit expired.",
            evidence={},
            purpose=Purpose.REVERT,
            about=request.request_id,
        )
        try:
            back = self.ports.ledger.load(self.open_request(opening, GATE).history.request.request_id)
        except (Refused, UnknownReference) as err:
            return self._report(history, str(err))
        if not back.reverting:
            approvals = approvals_before(back.request.subject, self.ports.index)
            back = self.ports.ledger.append(back, Reverting(self.clock(), approvals))
        if (judgement := self.records.view(back).judgement).verdict is not Verdict.APPROVED:
            return self._report(history, " ".join(judgement.reasons))
        back = self.mover.move(back, self.changes(back))
        _log.error("The gate reverted %s: %s", request.label, opening.reason)
        return None

    def _report(self, history: History, why: str) -> None:
        request_id = history.request.request_id
        self._reported.add(request_id)
        stays = "its permit is taken back, so nothing that verifies loads it. Promote another version."
        _log.error("Nobody confirmed %s, and the alias stays where it is, since %s; %s", request_id, why, stays)

    def _unconfirmed(self, model: str, alias: str) -> History | None:
        """Return the emergency by which the alias points where it does, if there is one that nobody confirmed."""
        rows = (row for row in self.ports.index.promoted() if (row.model, folded(row.alias)) == (model, alias))
        newest = next(rows, None)
        if newest is None or newest.purpose is not Purpose.BREAK_GLASS:
            return None
        history = self.ports.ledger.load(newest.request_id)
        points_here = self.ports.registry.incumbent(model, alias) == newest.version
        return history if points_here and not history.revoked else None

    def _the_same(self, waiting: History, opening: Opening) -> tuple[RequestView, RequestView]:
        request = waiting.request
        if str(request.subject.version) != opening.version.lstrip("0"):
            reason = (
                f"{request.request_id} broke the glass for {request.label} and waits for its confirmation. Let two "
                "persons confirm it, or roll back, before it is broken again."
            )
            raise Refused(f"Breaking the glass for {opening.alias!r} of {opening.model!r}", (reason,))
        return self.records.view(waiting), self._confirmation(waiting)

    def _confirmation(self, history: History) -> RequestView:
        """Return the request in which two other persons confirm an emergency; it is opened if it is not there."""
        request = history.request
        opening = Opening(
            model=request.subject.model,
            version=str(request.subject.version),
            alias=request.subject.alias,
            reason=request.reason,
            evidence={},
            purpose=Purpose.CONFIRMATION,
            about=request.request_id,
        )
        return self.open_request(opening, request.requester)
