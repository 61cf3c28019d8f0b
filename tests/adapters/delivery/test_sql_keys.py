"""Rows of keys that this release cannot read whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.delivery import Right, ServingKey, Slot
from handrail.delivery.adapters.sql_keys import MIGRATIONS, SqlKeys
from handrail.storage import Store
from tests.fakes.feedback_store import a_migrated_store

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
SLOT = Slot("prod", "churn")
ONE = ServingKey("0a1b2c3d4e5f", "crew-desk", SLOT.pointer, "ab" * 32, frozenset({Right.PREDICT}), AT, "ada")
OTHER = replace(ONE, key_id="111111111111", name="workshop")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_migrated_store("sqlite", tmp_path, "delivery_keys", MIGRATIONS) as store:
        for key in (ONE, OTHER):
            SqlKeys(store).add(key)
        yield store


def change(store: Store, column: str, value: str) -> None:
    with store.write() as connection:
        changes = f"update delivery_key set {column} = :value where key_id = :key_id"
        connection.execute(sa.text(changes), {"value": value, "key_id": ONE.key_id})


def test_a_right_that_a_later_release_gave_is_left_out_of_that_key_alone(store: Store) -> None:
    change(store, "rights", "audit predict")

    assert list(SqlKeys(store).keys(SLOT, AT)) == [ONE, OTHER]


def test_a_key_with_no_right_that_is_known_may_do_nothing(store: Store) -> None:
    change(store, "rights", "audit")

    assert list(SqlKeys(store).keys(SLOT, AT)) == [replace(ONE, rights=frozenset()), OTHER]


@pytest.mark.parametrize("column", ["made_at", "expires_at"])
def test_a_row_without_its_times_is_left_out_alone(store: Store, column: str) -> None:
    change(store, column, "soon")

    assert list(SqlKeys(store).keys(SLOT, AT)) == [OTHER]
