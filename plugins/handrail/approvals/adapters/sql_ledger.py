"""Requests, events and permits in Handrail's own store."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.event_rows import event_body, event_from, kind_of, request_body, request_from
from handrail.approvals.adapters.tables import events, moving, permits, requests
from handrail.approvals.domain.errors import MovedMeanwhile, MoveUnderWay
from handrail.approvals.domain.events import Event, History, MoveAbandoned, MoveDone, MoveIntended
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.ports import Ledger, RequestIndex
from handrail.errors import UnknownReference
from handrail.manifest import digest_of
from handrail.storage import Store


class SqlLedger(Ledger, RequestIndex):
    """Append-only by construction: rows are inserted, and only the mark of a move under way is ever deleted.

    Keeps the promises of `Ledger` and of `RequestIndex`.
    """

    def __init__(self, store: Store) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store

    def open(self, request: PromotionRequest) -> History:
        """Store the request unless its id is there already; return what is stored."""
        row = {
            "request_id": request.request_id,
            "alias": request.subject.alias,
            "subject_key": request.subject.key,
            "body": request_body(request),
        }
        try:
            with self._store.write() as connection:
                connection.execute(requests.insert().values(row))
        except IntegrityError:
            return self.load(request.request_id)
        return History(request)

    def append(self, history: History, event: Event) -> History:
        """Store the event after those in `history`, with the mark and the permit that go with it, or nothing."""
        request_id = history.request.request_id
        try:
            with self._store.write() as connection:
                self._follow(connection, history, event)
                connection.execute(
                    events.insert().values(
                        request_id=request_id,
                        position=len(history.events),
                        kind=kind_of(event),
                        body=event_body(event),
                    )
                )
        except IntegrityError as err:
            raise MovedMeanwhile(request_id) from err
        return history.then(event)

    def load(self, request_id: str) -> History:
        """Return a request with its events.

        Raises:
            UnknownReference: there is none.
        """
        found = self._histories(requests.c.request_id == request_id)
        if not found:
            raise UnknownReference("promotion request", request_id, "List them with 'handrail approvals list'.")
        return found[0]

    def find(self, *, alias: str | None = None, subject_key: str | None = None) -> Sequence[History]:
        """Return the requests that match, oldest first."""
        asked = {"alias": alias, "subject_key": subject_key}
        wanted = (requests.c[name] == value for name, value in asked.items() if value is not None)
        return self._histories(sa.and_(sa.true(), *wanted))

    def permit(self, tree_digest: str) -> str | None:
        """Return the newest signed permit for a tree, as envelope JSON."""
        newest = (
            sa.select(permits.c.envelope)
            .where(permits.c.tree_digest == tree_digest)
            .order_by(permits.c.number.desc())
            .limit(1)
        )
        with self._store.read() as connection:
            envelope: str | None = connection.execute(newest).scalar()
            return envelope

    def _histories(self, wanted: sa.ColumnElement[bool]) -> list[History]:
        asked = sa.select(requests.c.request_id, requests.c.body).where(wanted).order_by(requests.c.number)
        happened = (
            sa.select(events.c.request_id, events.c.kind, events.c.body)
            .join(requests)
            .where(wanted)
            .order_by(events.c.request_id, events.c.position)
        )
        with self._store.read() as connection:
            # Requests first: an event that comes in between is then missing, never without its request.
            bodies = {row.request_id: str(row.body) for row in connection.execute(asked)}
            rows = connection.execute(happened).all()
        found: dict[str, list[Event]] = {request_id: [] for request_id in bodies}
        for row in rows:
            if row.request_id in found:
                found[row.request_id].append(event_from(row.kind, row.body))
        return [History(request_from(body), tuple(found[request_id])) for request_id, body in bodies.items()]

    def _follow(self, connection: Connection, history: History, event: Event) -> None:
        request = history.request
        subject = request.subject
        alias_key = digest_of([subject.server, subject.model, subject.alias])
        if isinstance(event, MoveIntended):
            held = connection.execute(
                sa.select(moving.c.request_id).where(moving.c.alias_key == alias_key).with_for_update()
            ).scalar()
            if held not in (None, request.request_id):
                raise MoveUnderWay(subject.alias, str(held))
            connection.execute(moving.insert().values(alias_key=alias_key, request_id=request.request_id))
        if isinstance(event, MoveDone | MoveAbandoned):
            connection.execute(moving.delete().where(moving.c.request_id == request.request_id))
        if isinstance(event, MoveDone):
            permit = Permit.from_payload(Envelope.from_json(event.envelope).payload)
            connection.execute(
                permits.insert().values(
                    request_id=request.request_id, tree_digest=permit.tree_digest, envelope=event.envelope
                )
            )
