"""Brings the approvals tables of a store up to date."""

from __future__ import annotations

from pathlib import Path

from handrail.storage import Store, migrate

__all__ = ["migrated"]


def migrated(store: Store) -> Store:
    """Bring the approvals tables of a store up to date, and return it."""
    from handrail.approvals import adapters

    migrate(store, "approvals", Path(adapters.__file__).parent / "migrations")
    return store
