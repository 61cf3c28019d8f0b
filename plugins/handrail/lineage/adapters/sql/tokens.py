"""Stores the hashes of tokens in SQL."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.errors import Conflict
from handrail.lineage.adapters.sql.tables import digest_row, to_text, token, token_texts
from handrail.lineage.domain.callers import TokenRecord
from handrail.lineage.domain.scopes import May, TokenScope
from handrail.lineage.ports import TokenRegister
from handrail.storage import Store


class SqlTokens(TokenRegister):
    """The token register."""

    def __init__(self, store: Store) -> None:
        """Work in `store`, whose tables exist."""
        self._store = store

    def add(self, record: TokenRecord) -> None:
        """Store a token's hash; a name can be used once."""
        may, namespaces = sorted(each.value for each in record.scope.may), record.scope.namespaces
        texts = (record.name, record.holder, record.digest, to_text(record.made_at))
        row = (*texts, json.dumps(may), json.dumps(namespaces), _reports(record.scope))
        values = dict(zip(token.columns.keys(), (*row, digest_row(token_texts(row))), strict=True))
        try:
            with self._store.write() as connection:
                connection.execute(token.insert(), values)
        except sa.exc.IntegrityError as err:
            raise Conflict(
                "token", record.name, f"Revoke it first: handrail lineage token revoke {record.name}."
            ) from err

    def all(self) -> tuple[TokenRecord, ...]:
        """Return every token, by name."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(token).order_by(token.c.name)).all()
        return tuple(
            TokenRecord(row.name, row.holder, row.digest, datetime.fromisoformat(row.made_at), _scope(row))
            for row in rows
        )

    def remove(self, name: str) -> bool:
        """Delete a token; return whether there was one."""
        with self._store.write() as connection:
            return connection.execute(token.delete().where(token.c.name == name)).rowcount > 0


def _scope(row: Any) -> TokenScope:
    """Return what a token allows: everything, if it was made before there were scopes."""
    if row.may is None:
        return TokenScope()
    reports = json.loads(row.reports or "{}")
    bounds = (tuple(reports.get(name, ())) for name in ("kinds", "sources"))
    return TokenScope(frozenset(map(May, json.loads(row.may))), tuple(json.loads(row.namespaces)), *bounds)


def _reports(scope: TokenScope) -> str | None:
    """Return which outcomes may be reported, nothing where there is no bound: such a row keeps its older digest."""
    bounds = {"kinds": scope.kinds, "sources": scope.sources}
    return json.dumps(bounds) if any(bounds.values()) else None
