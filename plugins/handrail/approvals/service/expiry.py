"""Ends requests that have waited longer than their policies let them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from handrail.approvals.domain.events import History, Voided
from handrail.approvals.domain.expiry import why_expired
from handrail.approvals.domain.pages import Listing
from handrail.approvals.ports import Ledger, RequestIndex, RuleBook
from handrail.approvals.service.rules_once import RulesOnce
from handrail.clock import Clock
from handrail.errors import HandrailError, Misconfigured, UnknownReference

_log = logging.getLogger(__name__)
AT_ONCE = 50


class Expiry:
    """Says and records which requests have expired. Time does not go back here, whatever the clock does."""

    def __init__(self, ledger: Ledger, index: RequestIndex, rules: RuleBook, clock: Clock) -> None:
        """Record in this ledger; `clock` gives system time."""
        self._ledger, self._index, self._rules, self._clock = ledger, index, rules, clock
        self._latest = clock()

    def why(self, history: History, rules: RuleBook | None = None) -> tuple[str, ...]:
        """Return in a sentence that a request has expired by now, nothing if it has not or nobody can say.

        `rules` are those that a look at many requests has read already.
        """
        subject = history.request.subject
        self._latest = max(self._latest, self._clock())
        try:
            days = (rules or self._rules).policy(subject.model, subject.alias, prompt=subject.prompt).request_days
        except (Misconfigured, UnknownReference):
            return ()  # nothing can be decided about it either
        return why_expired(history, days, self._latest)

    def settle(self, histories: Iterable[History]) -> None:
        """Record of each of these requests that it has expired, if it has; a clock that goes back revives none."""
        once = RulesOnce(self._rules)
        for seen in histories:
            if self._has_ended(seen) or not self.why(seen, once):
                continue
            history = self._ledger.load(seen.request.request_id)
            reasons = () if self._has_ended(history) else self.why(history)
            if reasons:
                self._ledger.append(history, Voided(self._clock(), reasons))

    def sweep(self) -> None:
        """Settle every request, at the start and every minute. What cannot be settled is tried again."""
        after: int | None = 0
        try:
            while after is not None:
                page = self._index.page(after, AT_ONCE, Listing(only_unended=True))
                self.settle(page.histories)
                after = page.after
        except HandrailError as err:
            _log.error("Requests that have expired could not all be ended; it is tried again in a minute. %s", err)

    @staticmethod
    def _has_ended(history: History) -> bool:
        return bool(history.done or history.voided or history.open_move)
