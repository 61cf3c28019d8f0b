"""What became of promotions: which is the newest of its alias, which were superseded, expired or taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.tables import events, permits, releases
from handrail.approvals.domain.holding import Promotion, holder_named
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.standing import Promoted
from handrail.approvals.domain.subject import Purpose

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Facts:
    """What of a permit is asked each minute; a permit never changes, so it is read once."""

    promoted: Promoted
    holder: str
    issued: datetime
    expires: datetime | None


class SqlPromotions:
    """Reads the table of permits, in a transaction of the caller."""

    def __init__(self) -> None:
        """Begin without anything read."""
        self._known: dict[str, _Facts] = {}

    def newest(self, connection: Connection) -> Sequence[Promoted]:
        """Return the newest promotion of each alias of each model."""
        newest = sa.select(sa.func.max(permits.c.number)).group_by(permits.c.alias_key)
        asked = sa.select(permits.c.request_id).where(permits.c.number.in_(newest)).order_by(permits.c.number)
        ids = connection.execute(asked).scalars().all()
        return [self._facts(connection, request_id).promoted for request_id in ids]

    def unreleased(self, connection: Connection) -> Iterator[Promotion]:
        """Yield every promotion that was not released, oldest first."""
        following = sa.func.lead(permits.c.request_id).over(partition_by=permits.c.alias_key, order_by=permits.c.number)
        every = sa.select(permits.c.number, permits.c.request_id, following.label("following")).subquery()
        revoked = sa.exists().where(events.c.request_id == every.c.request_id, events.c.kind == "revoked")
        asked = sa.select(every.c.request_id, every.c.following, revoked.label("revoked")).order_by(every.c.number)
        released = set(connection.execute(sa.select(releases.c.holder)).scalars())
        for row in connection.execute(asked).all():
            facts = self._facts(connection, row.request_id)
            if facts.holder in released:
                continue
            superseded = self._facts(connection, row.following).issued if row.following else None
            yield Promotion(facts.promoted, facts.holder, superseded, facts.expires, bool(row.revoked))

    def _facts(self, connection: Connection, request_id: str) -> _Facts:
        if request_id not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            envelope = sa.select(permits.c.envelope).where(permits.c.request_id == request_id)
            intended = sa.select(sa.func.count()).where(
                events.c.request_id == request_id, events.c.kind == "move-intended"
            )
            holder = holder_named(request_id, connection.execute(intended).scalar_one())
            self._known[request_id] = _facts_of(connection.execute(envelope).scalar_one(), holder)
        return self._known[request_id]


def _facts_of(envelope: str, holder: str) -> _Facts:
    permit = Permit.from_payload(Envelope.from_json(envelope).payload)
    purpose = None if permit.purpose is None else Purpose(permit.purpose)
    promoted = Promoted(permit.model, permit.epoch, permit.alias, permit.version, permit.request_id, purpose)
    expires = permit.terms.expires if permit.terms else None
    return _Facts(promoted, holder, datetime.fromisoformat(permit.issued), expires)
