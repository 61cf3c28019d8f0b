"""Moving an alias so that an interruption at any point can be finished: intent, the registry's commit, outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.events import History, MoveAbandoned, MoveDone, MoveIntended, Published, Voided
from handrail.approvals.domain.holding import holder_of
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import DecisionJournal, Ledger, PermitShelf, Registry, RequestIndex, RuleBook, Signer
from handrail.approvals.service.drafting import draft_permit, next_counter
from handrail.approvals.service.findings import shutting, why_shut
from handrail.approvals.service.holding import Holding
from handrail.approvals.service.revoking import Revoker
from handrail.approvals.service.turns import Turns
from handrail.clock import Clock
from handrail.errors import HandrailError, Refused
from handrail.manifest import canonical_json

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves aliases for approved requests. The caller has judged; this acts, and may be repeated.

    `environment` is where permits allow serving, unless the policy names another.
    """

    environment: str
    ledger: Ledger
    index: RequestIndex
    registry: Registry
    rules: RuleBook
    signer: Signer
    shelf: PermitShelf
    journal: DecisionJournal
    clock: Clock
    findings: FindingBook
    holding: Holding
    _turns: Turns = field(default_factory=Turns)

    def revoker(self, server: str) -> Revoker:
        """Return what takes back the permits that this gives."""
        return Revoker(server, self.ledger, self.index, self.rules, self.signer, self.shelf, self.clock)

    def move(self, history: History, changes: tuple[str, ...]) -> History:
        """Make the alias point at the approved version and sign the permit.

        Args:
            history: an approved request, or one whose move was interrupted.
            changes: what the request binds and no longer holds; if any, the request becomes void instead.
                A finding about it that is open keeps the alias where it is; the request stays as it was decided.

        Raises:
            MoveUnderWay: another request is moving the alias.
            MovedMeanwhile: another process is moving this very request.
            StillReading: the files are being compared; the intent stays open.
            Unavailable: the registry did not commit it; the intent stays open.
        """
        if history.done:
            return history
        if changes and not self._has_moved(history):
            return self._give_up(history, changes)
        subject = history.request.subject
        if not history.open_move:
            at = self.clock()
            draft = draft_permit(history, at, self.index, self.rules, self.environment)
            history = self.ledger.append(history, MoveIntended(at, draft.statement))
            # The alias is held from here on; another request that moved it meanwhile has finished.
            overtaken = self._incumbent(history) not in (subject.incumbent, subject.version)
            if overtaken or next_counter(self.index, subject) != draft.counter:
                return self._give_up(history, ("The alias moved while this was being decided.",))
        # Looked at under the intent: one that was opened while the quorum was met shuts the gate too.
        if (shut := why_shut(shutting(self.findings, subject), subject)) and not self._has_moved(history):
            return self._abandon(history, shut)
        moved = self._has_moved(history)
        if changed := self._changed_files(history, moved=moved):
            return self._give_up(history, changed, moved=moved)
        return self.publish(self._point(history))

    def _point(self, history: History) -> History:
        """Move the alias, unless the intent has meanwhile ended in another thread: it may be another's by now."""
        subject, intent = history.request.subject, history.open_move
        assert intent is not None
        with self._turns.turn(subject):
            self._require_same(history)
            self.registry.point(subject.model, subject.alias, subject.version)
            envelope = self.signer.sign(canonical_json(intent.statement))
            return self.ledger.append(history, MoveDone(self.clock(), envelope.to_json()))

    def _require_same(self, history: History) -> None:
        request_id = history.request.request_id
        if len(self.ledger.load(request_id).events) != len(history.events):  # they are only appended
            raise MovedMeanwhile(request_id)

    def _changed_files(self, history: History, *, moved: bool) -> tuple[str, ...]:
        """Hold the registry's own files, and compare them with what was approved: with the gate's copy."""
        try:
            return self.holding.take(history, has_moved=moved)
        except Refused as err:
            return (str(err),)

    def finish(self, history: History, changes: Callable[[History], tuple[str, ...]]) -> str:
        """Finish an interrupted move or give it up, and say so; one that cannot be finished keeps no other from it."""
        label = history.request.label
        try:
            history = self.ledger.load(history.request.request_id)
            if not history.open_move:
                published = self.publish(history).is_published
                return f"The permit for {label} was {'published' if published else 'not published, see above'}."
            after = self.move(history, changes(history))
        except HandrailError as err:
            return f"The interrupted move of {label} stays open and is tried again at the next start. {err}"
        ended = "was abandoned: the request is void" if after.voided else "was abandoned: the gate is shut"
        outcome = "was finished" if after.done else ended
        return f"The interrupted move of {label} {outcome}."

    def publish(self, history: History) -> History:
        """Put the permit on its shelf and report to the journal. A failure is logged and repaired at the next start."""
        done = history.done
        assert done is not None
        try:
            permit = Permit.from_payload(Envelope.from_json(done.envelope).payload)
            self.shelf.put(permit, done.envelope)
            self.journal.promoted(permit, done.envelope, done.at.isoformat())
            return self.ledger.append(history, Published(self.clock()))
        except HandrailError as err:
            _log.error("The permit for %s is signed and stored, but not published: %s", history.request.label, err)
            return history

    def _has_moved(self, history: History) -> bool:
        """Whether the registry committed the intended move before the interruption."""
        return history.open_move is not None and self._incumbent(history) == history.request.subject.version

    def _incumbent(self, history: History) -> int | None:
        subject = history.request.subject
        return self.registry.incumbent(subject.model, subject.alias)

    def _give_up(self, history: History, reasons: tuple[str, ...], *, moved: bool = False) -> History:
        if history.open_move:
            history = self._abandon(history, reasons, moved=moved)
        return self.ledger.append(history, Voided(self.clock(), reasons))

    def _abandon(self, history: History, reasons: tuple[str, ...], *, moved: bool = False) -> History:
        with self._turns.turn(history.request.subject):
            # Another thread may have moved it since, and not have stored so.
            if self._has_moved(history) != moved:
                raise MovedMeanwhile(history.request.request_id)
            abandoned = self.ledger.append(history, MoveAbandoned(self.clock(), reasons))
        self.holding.release(holder_of(history), "The move was abandoned.")
        return abandoned
