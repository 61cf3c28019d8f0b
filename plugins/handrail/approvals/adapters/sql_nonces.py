"""Nonces in the approvals tables: a row when one is given, and another when it is used; none is ever changed."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import nonces, spent_nonces
from handrail.approvals.attestation_ports import Nonces
from handrail.approvals.domain.attesting import unusable_nonce
from handrail.errors import Refused
from handrail.storage import Store

MOST_OPEN = 100
NONCE_BYTES = 24


class SqlNonces(Nonces):
    """Keeps the promise of `Nonces`; moments are compared as ISO 8601 text in UTC."""

    def __init__(self, store: Store, seals: Seals) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store
        self._seals = seals

    def issue(self, purpose: str, account: str, now: datetime, expires: datetime) -> str:
        """Return a new nonce for a purpose.

        Raises:
            Refused: the account has too many that can still be used.
        """
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        row = {"nonce": nonce, "purpose": purpose, "account": account, "expires": expires.isoformat()}
        mine = sa.and_(nonces.c.account == account, nonces.c.expires > now.isoformat())
        unused = nonces.outerjoin(spent_nonces, spent_nonces.c.nonce == nonces.c.nonce)
        counted = sa.select(sa.func.count()).select_from(unused).where(mine, spent_nonces.c.nonce.is_(None))
        with self._store.write() as connection:
            if int(connection.execute(counted).scalar_one()) >= MOST_OPEN:
                reason = f"It has {MOST_OPEN} that can still be used; use them, or wait until they expire."
                raise Refused(f"A nonce for {account!r}", (reason,))
            self._seals.insert(connection, nonces, [row])
        return nonce

    def spend(self, nonce: str, purpose: str, request_id: str, now: datetime) -> None:
        """Use the nonce for a request.

        Raises:
            Refused: it was never given for this purpose, has expired, or serves another request.
        """
        given = sa.select(nonces.c.purpose, nonces.c.expires).where(nonces.c.nonce == nonce)
        used = sa.select(spent_nonces.c.request_id).where(spent_nonces.c.nonce == nonce)
        with self._store.write() as connection:
            row, serves = connection.execute(given).first(), connection.execute(used).scalar()
            if row is None or row.purpose != purpose:
                raise unusable_nonce(nonce, "the gate gave it to nobody for these files, this alias and this server")
            if serves is None:
                if now >= datetime.fromisoformat(row.expires):
                    raise unusable_nonce(nonce, f"it expired at {row.expires}")
                self._seals.insert(connection, spent_nonces, [{"nonce": nonce, "request_id": request_id}])
                # Of two processes at once the first row stands.
                serves = connection.execute(used).scalar()
            if serves != request_id:
                raise unusable_nonce(nonce, f"it serves the request {serves}")
