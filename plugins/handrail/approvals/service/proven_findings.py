"""Findings for callers that are not trusted: who may open and close them is judged here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.approvals.domain.findings import FindingEvent, FindingOpened, findings_in
from handrail.approvals.domain.possible import CLOCKS_APART
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import RequestIndex, RuleBook
from handrail.approvals.service.finding_rights import FindingRights
from handrail.approvals.service.proving import REMEDY, is_plain
from handrail.clock import Clock
from handrail.errors import Refused


@dataclass(frozen=True, slots=True)
class ProvenFindings(FindingBook):
    """Keeps the promise of `FindingBook` in front of another, for those who may open and close findings."""

    book: FindingBook
    index: RequestIndex
    rules: RuleBook
    clock: Clock

    def models(self) -> Sequence[str]:
        """Return the models about which there ever was a finding."""
        return self.book.models()

    def events(self, model: str) -> Sequence[FindingEvent]:
        """Return what happened to the findings of a model, oldest first."""
        return self.book.events(model)

    def append(self, model: str, known: int, event: FindingEvent) -> None:
        """Store one more event after the `known` ones that there are.

        Raises:
            MovedMeanwhile: there are others by now.
            Refused: it cannot have happened.
            NotEligible: the account may not open or close it.
        """
        refusal = self._why_not(model, event)
        if refusal:
            raise Refused(f"Storing {type(event).__name__!r} about {model!r}", (refusal, REMEDY))
        self.book.append(model, known, event)

    def _why_not(self, model: str, event: FindingEvent) -> str | None:
        if abs(event.at - self.clock()) > CLOCKS_APART:
            return "The clocks are apart."
        rights = FindingRights(self.index, self.rules)
        known = {each.opened.finding_id: each for each in findings_in(self.book.events(model))}
        found = known.get(event.finding_id)
        if isinstance(event, FindingOpened):
            is_new = found is None and event.model == model and is_plain(event.text)
            return (
                None
                if is_new and rights.name_behind(event.account) == event.by
                else "It is not a new finding of theirs."
            )
        if found is None or not found.is_open:
            return "No such finding is open."
        is_closer = rights.closer(found, event.account) == event.person and is_plain(event.reason)
        return None if is_closer else f"{event.account!r} belongs to another person, or the reason is not plain text."
