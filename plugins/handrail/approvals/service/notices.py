"""Writes where reviewers look already what has become of requests. No decision waits for it or fails with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from handrail.approvals.domain.events import Event, History, MoveDone
from handrail.approvals.domain.notices import Notice, notice_of
from handrail.approvals.domain.pages import Listing
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.notice_ports import NoticeBoard
from handrail.approvals.ports import Ledger, RequestIndex
from handrail.approvals.service.request_view import RequestView
from handrail.errors import HandrailError, UnknownReference

AT_ONCE = 50
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """The requests about which something is to be written, and those of them whose alias has moved."""

    woken: threading.Event = field(default_factory=threading.Event)
    _moved: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request_ids: Iterable[str], *, moved: bool = False) -> None:
        """Remember requests, and wake whoever writes."""
        with self._lock:
            for request_id in request_ids:
                self._moved[request_id] = moved or self._moved.get(request_id, False)
        self.woken.set()

    def take(self) -> dict[str, bool]:
        """Return what was remembered since the last call, oldest first, each with whether its alias has moved."""
        self.woken.clear()
        with self._lock:
            found = dict(self._moved)
            self._moved.clear()
        return found


class NotedLedger(Ledger):
    """A ledger whose changes are remembered as due."""

    def __init__(self, ledger: Ledger, due: Due) -> None:
        """Store in `ledger`."""
        self._ledger, self._due = ledger, due

    def open(self, request: PromotionRequest) -> History:
        """Store a request, as the ledger does."""
        stored = self._ledger.open(request)
        self._due.add([stored.request.request_id])
        return stored

    def append(self, history: History, event: Event) -> History:
        """Store an event, as the ledger does."""
        longer = self._ledger.append(history, event)
        self._due.add([history.request.request_id], moved=isinstance(event, MoveDone))
        return longer

    def load(self, request_id: str) -> History:
        """Return a request, as the ledger does."""
        return self._ledger.load(request_id)


@dataclass(frozen=True, slots=True)
class NoticeReader:
    """Says what is true about a request now; `root` is the path below which the server answers."""

    look: Callable[[str], RequestView]
    points_at: Callable[[str, str], int | None]
    root: str = ""

    def __call__(self, request_id: str) -> Notice:
        """Return what is to be written about a request.

        Raises:
            UnknownReference: there is none, or its model is gone.
        """
        view = self.look(request_id)
        subject = view.history.request.subject
        return notice_of(view.history, view.judgement, self.points_at(subject.model, subject.alias), self.root)


class Notices:
    """Writes on a board what has become of requests, again until it could be written."""

    def __init__(self, due: Due, read: Callable[[str], Notice], index: RequestIndex, board: NoticeBoard) -> None:
        """Write what is `due`, as it is read then."""
        self.due, self._read, self._index, self._board = due, read, index, board
        self._failed: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Look at every request: an earlier process may have ended before it wrote."""
        after: int | None = 0
        try:
            while after is not None:
                page = self._index.page(after, AT_ONCE)
                self.due.add(history.request.request_id for history in page.histories)
                after = page.after
        except HandrailError as err:
            _log.error("What is written on versions is from before the start until they are decided about. %s", err)

    def retry(self) -> None:
        """Let what could not be written be tried again, and look whether aliases point where they did."""
        try:
            self.due.add([*self._failed, *(row.request_id for row in self._index.promoted())])
        except HandrailError as err:
            _log.warning("What is written on versions could not be looked at; it is tried again in a minute. %s", err)

    def write(self) -> None:
        """Write what is due. What fails is logged once, and due again at the next `retry`."""
        failed: set[str] = set()
        for request_id, moved in self.due.take().items():
            try:
                self._write(request_id, moved=moved)
            except UnknownReference:
                continue  # the version is gone, and with it where this would be read
            except HandrailError as err:
                failed.add(request_id)
                if request_id not in self._failed:
                    _log.warning("What became of %s is not written on its version yet. %s", request_id, err)
        self._failed = frozenset(failed)

    def _write(self, request_id: str, *, moved: bool) -> None:
        notice = self._read(request_id)
        self._board.put(notice)
        if moved:
            self.due.add(self._touched(notice))

    def _touched(self, notice: Notice) -> Iterable[str]:
        """Yield the requests of which something else is true since the alias moved: those before it, and open ones."""
        named = (notice.model, notice.alias)
        promoted = (one.promoted for one in self._index.promotions())
        before = (row.request_id for row in promoted if (row.model, row.alias) == named)
        yield from (request_id for request_id in before if request_id != notice.request_id)
        after: int | None = 0
        while after is not None:
            page = self._index.page(after, AT_ONCE, Listing(notice.alias, only_unended=True))
            requests = (history.request for history in page.histories)
            yield from (request.request_id for request in requests if request.subject.model == notice.model)
            after = page.after
