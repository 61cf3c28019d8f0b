"""Requests, events and permits in Handrail's own store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.event_rows import event_body, event_from, kind_of, request_body, request_from
from handrail.approvals.adapters.logged_rows import EventRow, RequestRow, refuse_unlogged
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_promotions import SqlPromotions
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import events, moving, permits, rejections, requests
from handrail.approvals.domain.errors import MovedMeanwhile, MoveUnderWay
from handrail.approvals.domain.events import (
    Choice,
    Decided,
    Event,
    History,
    MoveAbandoned,
    MoveDone,
    MoveIntended,
    Rejection,
)
from handrail.approvals.domain.holding import Promotion
from handrail.approvals.domain.leaves import StoredEvent, opening_leaf
from handrail.approvals.domain.pages import EVERY, Kept, Listing, Page, first_that_fit
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.standing import Promoted
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.ports import Ledger, RequestIndex
from handrail.errors import UnknownReference
from handrail.manifest import digest_of
from handrail.storage import Store

AT_ONCE = 500
"""How many values one statement is given."""


class SqlLedger(Ledger, RequestIndex):
    """Append-only by construction: rows are inserted, and only the mark of a move under way is ever deleted.

    Keeps the promises of `Ledger` and of `RequestIndex`.
    """

    def __init__(self, store: Store, log: SqlLog | None) -> None:
        """Write to the store, whose approvals tables are migrated; without a log it reads, and checks nothing."""
        self._store = store
        self._log = log
        self._promotions = SqlPromotions()

    @property
    def log(self) -> SqlLog:
        """The log that goes with this ledger; other adapters append to it within their own transactions."""
        return self._writing

    def begin(self, seals: Seals) -> int:
        """Begin the log if it has not begun: log and seal what was stored before, and return how much was logged.

        Raises:
            LogMismatch: the head of the log is not one that the gate signed.
        """
        adopted = 0
        with self._store.write() as connection:
            if self._writing.begin(connection):
                seals.adopt(connection)
                for request, happened in self._stored(connection):
                    leaf = opening_leaf(request_from(request.body), request.body, request.number)
                    leaves = [leaf, *(row.leaf(self._permit_row(connection, row)) for row in happened)]
                    for each in leaves:
                        self._writing.append(connection, replace(each, facts={**each.facts, "adopted": True}))
                    adopted += len(leaves)
        self._writing.committed()
        return adopted

    def open(self, request: PromotionRequest) -> History:
        """Store the request unless its id is there already; return what is stored."""
        body = request_body(request)
        row = {
            "request_id": request.request_id,
            "alias": request.subject.alias,
            "subject_key": request.subject.key,
            "requester": request.requester,
            "body": body,
        }
        try:
            with self._store.write() as connection:
                number = _inserted(connection, requests, row)
                self._writing.append(connection, opening_leaf(request, body, number))
        except IntegrityError:
            return self.load(request.request_id)
        self._writing.committed()
        return History(request)

    def append(self, history: History, event: Event) -> History:
        """Store the event after those in `history` with all that goes with it, its leaf included, or nothing."""
        request_id = history.request.request_id
        position, kind, body = len(history.events), kind_of(event), event_body(event)
        try:
            with self._store.write() as connection:
                permit = self._follow(connection, history, event)
                connection.execute(
                    events.insert().values(request_id=request_id, position=position, kind=kind, body=body)
                )
                self._writing.append(connection, StoredEvent(kind, event, body, permit).leaf(request_id, position))
        except IntegrityError as err:
            raise MovedMeanwhile(request_id) from err
        self._writing.committed()
        return history.then(event)

    def load(self, request_id: str) -> History:
        """Return a request with its events, each as the log says.

        Raises:
            UnknownReference: there is none.
            LogMismatch: it is stored otherwise than it was logged.
        """
        with self._store.read() as connection:
            found = list(self._stored(connection, requests.c.request_id == request_id))
            if self._log and self._log.has_begun(connection):
                refuse_unlogged(request_id, found, self._log.about(connection, [request_id]))
        if not found:
            raise UnknownReference("promotion request", request_id, "List them with 'handrail approvals list'.")
        return _history(*found[0])

    def find(self, *, alias: str | None = None, subject_key: str | None = None) -> Sequence[History]:
        """Return the requests that match, oldest first."""
        asked = {"alias": alias, "subject_key": subject_key}
        wanted = (requests.c[name] == value for name, value in asked.items() if value is not None)
        return self._histories(sa.and_(sa.true(), *wanted))

    def promoted(self) -> Sequence[Promoted]:
        """Return the newest promotion of each alias of each model."""
        with self._store.read() as connection:
            return self._promotions.newest(connection)

    def promotions(self) -> Sequence[Promotion]:
        """Return what became of every promotion that was not released, oldest first."""
        with self._store.read() as connection:
            return list(self._promotions.unreleased(connection))

    def page(self, after: int, most: int, wanted: Listing = EVERY) -> Page:
        """Return requests after or before a number; a page is as long as its bodies allow, and one at least."""
        number, newest = requests.c.number, wanted.newest
        chosen = [number < after] if newest and after else [number > (0 if newest else after)]
        chosen += [requests.c.alias == wanted.alias] if wanted.alias is not None else []
        chosen += [_UNENDED] if wanted.only_unended else []
        chosen += [~_UNENDED] if wanted.only_ended else []
        chosen += [requests.c.request_id.in_(sa.select(permits.c.request_id))] if wanted.only_promoted else []
        sizes = sa.select(number, sa.func.length(requests.c.body)).where(*chosen).limit(most + 1)
        with self._store.read() as connection:
            found = connection.execute(sizes.order_by(number.desc() if newest else number)).all()
            numbers = first_that_fit([(each, size) for each, size in found], most)
            stored = list(self._stored(connection, number.in_(numbers)))
        histories = tuple(_history(*each) for each in (reversed(stored) if newest else stored))
        return Page(histories, numbers[-1] if len(numbers) < len(found) else None)

    def unfinished(self) -> Sequence[History]:
        """Return the requests whose move is under way, or whose permit is not published, oldest first."""
        under_way = requests.c.request_id.in_(sa.select(moving.c.request_id))
        unpublished = sa.and_(requests.c.request_id.in_(sa.select(permits.c.request_id)), ~_happened("published"))
        return self._histories(sa.or_(under_way, unpublished))

    def kept_for(self, requester: str) -> Kept:
        """Return what is kept of an account's requests."""
        mine = requests.c.requester == requester
        unended = sa.select(requests.c.request_id).where(mine, _UNENDED).order_by(requests.c.number)
        size = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(requests.c.body)), 0)).where(mine)
        with self._store.read() as connection:
            ids = connection.execute(unended).scalars().all()
            return Kept(tuple(ids), int(connection.execute(size).scalar_one()))

    def rejections(self, tree_digests: Iterable[str]) -> Sequence[Rejection]:
        """Return every rejection of one of these trees, oldest first."""
        digests = sorted(set(tree_digests))
        columns = (rejections.c[name] for name in ("tree_digest", "request_id", "person", "reason", "at"))
        asked = sa.select(*columns).order_by(rejections.c.at, rejections.c.request_id)
        found: list[Rejection] = []
        with self._store.read() as connection:
            for start in range(0, len(digests), AT_ONCE):
                some = asked.where(rejections.c.tree_digest.in_(digests[start : start + AT_ONCE]))
                rows = connection.execute(some).mappings()
                found += [Rejection(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]
        return sorted(found, key=lambda one: one.at)

    def permit(self, server: str, model: str, alias: str, tree_digest: str | None = None) -> str | None:
        """Return the newest signed permit of an alias, as envelope JSON; for this tree, if one is named."""
        of_tree = sa.true() if tree_digest is None else permits.c.tree_digest == tree_digest
        newest = (
            sa.select(permits.c.envelope)
            .where(permits.c.alias_key == digest_of([server, model, alias]), of_tree)
            .order_by(permits.c.number.desc())
            .limit(1)
        )
        with self._store.read() as connection:
            envelope: str | None = connection.execute(newest).scalar()
            return envelope

    def _histories(self, wanted: sa.ColumnElement[bool]) -> list[History]:
        with self._store.read() as connection:
            return [_history(*stored) for stored in self._stored(connection, wanted)]

    @property
    def _writing(self) -> SqlLog:
        assert self._log is not None, "this ledger was opened for reading"
        return self._log

    @staticmethod
    def _stored(
        connection: Connection, wanted: sa.ColumnElement[bool] | None = None
    ) -> Iterator[tuple[RequestRow, list[EventRow]]]:
        """Yield requests, oldest first, each with its events in order, as they are stored."""
        chosen = sa.true() if wanted is None else wanted
        asked = sa.select(requests).where(chosen).order_by(requests.c.number)
        happened = sa.select(events).join(requests).where(chosen).order_by(events.c.request_id, events.c.position)
        # Requests first: an event that comes in between is then missing, never without its request.
        found = [RequestRow(**row._mapping) for row in connection.execute(asked)]
        of: dict[str, list[EventRow]] = {row.request_id: [] for row in found}
        for row in connection.execute(happened):
            if row.request_id in of:
                of[row.request_id].append(EventRow(**row._mapping))
        for request in found:
            yield request, of[request.request_id]

    @staticmethod
    def _permit_row(connection: Connection, row: EventRow) -> int | None:
        if row.kind != "move-done":
            return None
        return connection.execute(sa.select(permits.c.number).where(permits.c.request_id == row.request_id)).scalar()

    def _follow(self, connection: Connection, history: History, event: Event) -> int | None:
        """Write what goes with the event; return the number of the permit, if one does."""
        request = history.request
        subject = request.subject
        alias_key = digest_of([subject.server, subject.model, subject.alias])
        if isinstance(event, Decided) and event.choice is Choice.REJECT:
            connection.execute(
                rejections.insert().values(
                    request_id=request.request_id,
                    position=len(history.events),
                    tree_digest=subject.tree_digest,
                    person=event.person,
                    reason=event.reason,
                    at=event.at.isoformat(),
                )
            )
        if isinstance(event, MoveIntended):
            held = connection.execute(
                sa.select(moving.c.request_id).where(moving.c.alias_key == alias_key).with_for_update()
            ).scalar()
            if held not in (None, request.request_id):
                raise MoveUnderWay(subject.alias, str(held))
            connection.execute(moving.insert().values(alias_key=alias_key, request_id=request.request_id))
        if isinstance(event, MoveDone | MoveAbandoned):
            connection.execute(moving.delete().where(moving.c.request_id == request.request_id))
        if not isinstance(event, MoveDone):
            return None
        permit = Permit.from_payload(Envelope.from_json(event.envelope).payload)
        row = {
            "request_id": request.request_id,
            "alias_key": alias_key,
            "tree_digest": permit.tree_digest,
            "envelope": event.envelope,
        }
        return _inserted(connection, permits, row)


def _happened(*kinds: str) -> sa.ColumnElement[bool]:
    event = events.alias()
    return sa.exists().where(event.c.request_id == requests.c.request_id, event.c.kind.in_(kinds)).correlate(requests)


_UNENDED = ~_happened("voided", "move-done")


def _inserted(connection: Connection, table: sa.Table, row: dict[str, str]) -> int:
    """Insert a row and return the number that the database gave it."""
    key = connection.execute(table.insert().values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _history(request: RequestRow, happened: Sequence[EventRow]) -> History:
    return History(request_from(request.body), tuple(event_from(row.kind, row.body) for row in happened))
