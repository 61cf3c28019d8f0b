"""Requests, events and permits that a keeper holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from handrail.approvals.adapters.event_rows import request_body
from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.keeper_values import (
    event_values,
    history_from,
    promoted_from,
    promotion_from,
    rejection_from,
)
from handrail.approvals.domain.events import Event, History, Rejection
from handrail.approvals.domain.holding import Promotion
from handrail.approvals.domain.pages import EVERY, Kept, Listing, Page
from handrail.approvals.domain.standing import Promoted
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.ports import Ledger, RequestIndex


class SocketLedger(Ledger, RequestIndex):
    """Keeps the promises of `Ledger` and of `RequestIndex` by asking a keeper."""

    def __init__(self, keeper: KeeperClient) -> None:
        """Ask this keeper."""
        self._keeper = keeper

    def open(self, request: PromotionRequest) -> History:
        """Store the request unless its id is there already; return what is stored."""
        return history_from(self._keeper.ask("ledger.open", request=request_body(request)))

    def append(self, history: History, event: Event) -> History:
        """Store one more event after exactly those in `history`, and return the longer history."""
        self._keeper.ask(
            "ledger.append",
            request_id=history.request.request_id,
            after=len(history.events),
            event=event_values(event),
        )
        return history.then(event)

    def load(self, request_id: str) -> History:
        """Return a request with all its events."""
        return history_from(self._keeper.ask("ledger.load", request_id=request_id))

    def find(self, *, alias: str | None = None, subject_key: str | None = None) -> Sequence[History]:
        """Return the requests that match, oldest first."""
        return [
            history_from(row) for row in self._keeper.ask_for_all("index.find", alias=alias, subject_key=subject_key)
        ]

    def promoted(self) -> Sequence[Promoted]:
        """Return the newest promotion of each alias of each model."""
        return [promoted_from(row) for row in self._keeper.ask_for_all("index.promoted")]

    def promotions(self) -> Sequence[Promotion]:
        """Return what became of every promotion that was not released, oldest first."""
        return [promotion_from(row) for row in self._keeper.ask_for_all("index.promotions")]

    def page(self, after: int, most: int, wanted: Listing = EVERY) -> Page:
        """Return requests after a number, oldest first, or before it, newest first."""
        head, *rows = self._keeper.ask_for_all("index.page", after=after, most=most, wanted=asdict(wanted))
        return Page(tuple(map(history_from, rows)), head["after"])

    def unfinished(self) -> Sequence[History]:
        """Return the requests whose move is under way, or whose permit is not published, oldest first."""
        return [history_from(row) for row in self._keeper.ask_for_all("index.unfinished")]

    def kept_for(self, requester: str) -> Kept:
        """Return what is kept of an account's requests."""
        row = self._keeper.ask("index.kept_for", requester=requester)
        return Kept(tuple(row["unended"]), row["size"])

    def rejections(self, tree_digests: Collection[str]) -> Sequence[Rejection]:
        """Return every rejection of one of these trees, oldest first."""
        rows = self._keeper.ask_for_all("index.rejections", tree_digests=sorted(set(tree_digests)))
        return [rejection_from(row) for row in rows]

    def permit(self, server: str, model: str, alias: str, tree_digest: str | None = None) -> str | None:
        """Return the newest signed permit of an alias, as envelope JSON; for this tree, if one is named."""
        envelope: str | None = self._keeper.ask(
            "index.permit", server=server, model=model, alias=alias, tree_digest=tree_digest
        )
        return envelope
