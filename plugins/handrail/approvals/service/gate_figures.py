"""How the gate is doing, in numbers: what is open, how long decisions took, what moved."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.approvals.domain.events import Choice, Decided, History
from handrail.approvals.domain.pages import Listing
from handrail.approvals.domain.questions import waited
from handrail.approvals.ports import RequestIndex
from handrail.approvals.service.gate import Gate
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.clock import Clock

CACHED = timedelta(seconds=15)
AT_ONCE = 50
BOUNDS_S = (60.0, 600.0, 3600.0, 4 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0, 30 * 86400.0)
"""Upper bounds of the histogram of times to a decision, in seconds; the last bucket has the rest."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known at one moment.

    `open_requests` are by alias and verdict, `moves` by alias and purpose, `findings` by severity. `decisions` has a
    count for each of `BOUNDS_S` and one for the rest, `decided_s` is the sum of the times in seconds.
    """

    at: datetime
    open_requests: Mapping[tuple[str, str], int]
    oldest_opened: datetime | None
    decisions: tuple[int, ...]
    decided_s: float
    moves: Mapping[tuple[str, str], int]
    findings: Mapping[str, int]
    rule_changes: int


class GateFigures:
    """Reads each request once when it is new, once when it has ended, and in between only while it is open."""

    def __init__(self, gate: Gate, index: RequestIndex, rules: RuleChanges, clock: Clock) -> None:
        """Look at this gate; `clock` gives system time."""
        self._gate, self._index, self._rules, self._clock = gate, index, rules, clock
        self._lock = threading.Lock()
        self._last: Figures | None = None
        self._after = 0
        self._tail: set[str] = set()
        self._unended: set[str] = set()
        self._moves: Counter[tuple[str, str]] = Counter()
        self._decisions = [0] * (len(BOUNDS_S) + 1)
        self._decided_s = 0.0

    def now(self) -> Figures:
        """Return the figures, at most 15 seconds old.

        Raises:
            HandrailError: the ledger or the rules cannot be read.
        """
        with self._lock:
            now = self._clock()
            if self._last is None or not timedelta() <= now - self._last.at < CACHED:
                self._last = self._looked(now)
            return self._last

    def _looked(self, now: datetime) -> Figures:
        self._read_new()
        self._read_ended()
        open_requests: Counter[tuple[str, str]] = Counter()
        oldest = None
        for view in self._gate.requests(only_open=True):
            request = view.history.request
            open_requests[request.subject.alias, str(view.judgement.verdict)] += 1
            oldest = min(oldest or request.opened_at, request.opened_at)
        severities = Counter(str(each.opened.severity) for each in self._gate.findings.listed(only_open=True))
        waiting = sum(str(each.state) == "pending" for each in self._rules.views.changes())
        decisions, moves = tuple(self._decisions), dict(self._moves)
        return Figures(now, open_requests, oldest, decisions, self._decided_s, moves, severities, waiting)

    def _read_new(self) -> None:
        after: int | None = self._after
        while after is not None:
            page = self._index.page(after, AT_ONCE)
            found = {history.request.request_id: history for history in page.histories}
            for request_id, history in found.items():
                # The last page is read again the next time, as it has grown.
                if request_id not in self._tail:
                    self._take(history)
            self._tail = set() if page.after is not None else set(found)
            after = page.after
            self._after = after if after is not None else self._after

    def _read_ended(self) -> None:
        """Take those that ended since; the others have no end to look at."""
        if not self._unended:
            return
        still, after = set[str](), 0
        while True:
            page = self._index.page(after, AT_ONCE, Listing(only_unended=True))
            for history in page.histories:
                if not self._end(history):
                    still.add(history.request.request_id)
            if page.after is None:
                break
            after = page.after
        ended, self._unended = self._unended - still, self._unended & still
        for request_id in ended:
            self._take(self._gate.records.request(request_id).history)

    def _take(self, history: History) -> None:
        end = self._end(history)
        if end is None and not history.voided:
            self._unended.add(history.request.request_id)
            return
        if end is not None:
            took = waited(history, end).total_seconds()
            self._decisions[bisect_left(BOUNDS_S, took)] += 1
            self._decided_s += took
        if history.done:
            subject = history.request.subject
            purpose = str(subject.purpose) if subject.purpose else "adoption" if subject.adopts else "promotion"
            self._moves[subject.alias, purpose] += 1

    @staticmethod
    def _end(history: History) -> datetime | None:
        """Return when people had decided, None if they have not, or something else ended the request."""
        if not history.done:
            decided = (event for event in history.events if isinstance(event, Decided))
            return next((event.at for event in decided if event.choice is Choice.REJECT), None)
        before = history.events[: history.events.index(history.done)]
        return max((event.at for event in before if isinstance(event, Decided)), default=history.done.at)
