"""Holds what is promoted, from the move on, and releases it by a written rule (`domain.holding`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from handrail.approvals.domain.events import History
from handrail.approvals.domain.holding import Promotion, holder_of, why_released
from handrail.approvals.domain.judging import Verdict, judge
from handrail.approvals.domain.subject import Candidate, PromotionRequest
from handrail.approvals.ports import Holds, Provenance, Registry, RequestIndex, RuleBook
from handrail.approvals.service.changes import ChangesUnderWay
from handrail.approvals.service.reading import TreeReader
from handrail.clock import Clock
from handrail.errors import Unavailable, UnknownReference

INHERITED = ""
"""The holder of everything that was held before anything could be released."""
WATCH = "watch-"
"""How the holders of the standing watch begin; it releases them itself."""
CHANGES_END_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Holding:
    """Holds and releases. `released_after` is how long a superseded version is held at least."""

    holds: Holds
    registry: Registry
    index: RequestIndex
    provenance: Provenance
    rules: RuleBook
    reader: TreeReader
    changes: ChangesUnderWay
    clock: Clock
    released_after: timedelta

    def take(self, history: History, *, has_moved: bool) -> tuple[str, ...]:
        """Hold what a request is about, and return what of it is not as it was approved: empty if all is.

        What was compared stays so: from the hold on nothing of it changes through the server. Where the alias
        `has_moved` already, only the files are compared: people were judged before.

        Raises:
            StillReading: the files are being compared; repeat it.
            Unavailable: a change has been under way for long; repeat it.
            Refused: what lies there cannot be approved.
        """
        request, holder = history.request, holder_of(history)
        try:
            candidate = self._held(request, holder)
            found = self.reader.digest_now(holder, candidate)
        except UnknownReference as err:
            return (str(err),)
        bound = request.subject
        now = replace(bound, epoch=candidate.epoch, created=candidate.created, tree_digest=found)
        return now.changes_since(bound) or (() if has_moved else self._makers_since(history, candidate))

    def _held(self, request: PromotionRequest, holder: str) -> Candidate:
        """Hold the version as it is, and return it once nothing that began before can change it any more."""
        bound = request.subject
        found = self.registry.candidate(bound.model, str(bound.version))
        self.holds.hold(found, holder)
        if not self.changes.wait(CHANGES_END_WITHIN_S):
            problem = "a change of the registry or of a file has not ended"
            raise Unavailable(f"Holding {request.label}", problem, "Repeat the decision in a moment.")
        if self.registry.candidate(bound.model, str(bound.version)) != found:
            problem = "it changed at this moment"
            raise Unavailable(f"Holding {request.label}", problem, "Repeat the decision in a moment.")
        return found

    def _makers_since(self, history: History, candidate: Candidate) -> tuple[str, ...]:
        """Judge again with everybody who has become a maker since the request: nobody allows their own work."""
        request = history.request
        made = self.provenance.makers(candidate, request.manifest, self.reader.files_of(request.incumbent_tree))
        since = sorted({*made.accounts}.difference(request.authors))
        if not since or request.subject.adopts:
            return ()
        known = replace(history, request=replace(request, authors=(*request.authors, *since)))
        subject = request.subject
        policy = self.rules.policy(subject.model, subject.alias, prompt=subject.prompt)
        judgement = judge(known, policy, self.rules.directory())
        if judgement.verdict is Verdict.APPROVED:
            return ()
        names = ", ".join(map(repr, since))
        return (f"Since the request was opened, {names} became makers of the version. {' '.join(judgement.reasons)}",)

    def release(self, holder: str, reason: str) -> None:
        """Release what was held for a move that was abandoned."""
        self.holds.release(holder, self.clock(), reason)

    def tend(self) -> tuple[str, ...]:
        """Hold what was promoted and is not held, release what the rule releases; return one sentence for each release.

        Raises:
            Unavailable: the stores cannot be read.
        """
        # In this order: who is seen to hold has begun to move, and where no move is open it has moved or given up.
        holders = self.holds.holders()
        moving = {holder_of(history) for history in self.index.unfinished() if history.open_move}
        promotions = self.index.promotions()
        now = self.clock()
        due = {one.holder: why_released(one, now, self.released_after) for one in promotions}
        self._hold_missing([one for one in promotions if due[one.holder] is None], holders)
        return self._release(holders - moving, due)

    def _hold_missing(self, wanted: Iterable[Promotion], holders: Collection[str]) -> None:
        for promoted, holder in ((one.promoted, one.holder) for one in wanted if one.holder not in holders):
            with suppress(UnknownReference):  # the standing watch says that it is gone
                candidate = self.registry.candidate(promoted.model, str(promoted.version))
                if candidate.epoch == promoted.epoch:
                    self.holds.hold(candidate, holder)

    def _release(self, holders: Collection[str], due: Mapping[str, str | None]) -> tuple[str, ...]:
        said: list[str] = []
        for holder in sorted(holders):
            if holder.startswith(WATCH):
                continue
            reason = due.get(holder, "Nothing was promoted by it." if holder else "Requests hold for themselves now.")
            if reason is not None:
                self.holds.release(holder, self.clock(), reason)
                said.append(f"What was held for {holder or 'requests of an older release'} is released. {reason}")
        return tuple(said)
