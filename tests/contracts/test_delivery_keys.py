"""What every `KeyBook` promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail.delivery import KeyBook, Right, ServingKey, Slot
from handrail.delivery.adapters.sql_keys import MIGRATIONS, SqlKeys
from handrail.errors import Conflict
from tests.fakes.feedback_store import DATABASES, a_migrated_store
from tests.fakes.serving_keys import KeysInMemory

AT = datetime(2026, 11, 30, 12, 0, 0, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOT, OTHER = Slot("prod", "churn"), Slot("staging", "churn")
ONE = ServingKey(
    *("0a1b2c3d4e5f", "crew-desk", SLOT.pointer, "ab" * 32, frozenset({Right.PREDICT}), AT, "ada"), expires_at=AT + HOUR
)
ENDLESS = replace(ONE, key_id="111111111111", name="Archive", rights=frozenset(Right), expires_at=None)


@pytest.fixture(params=["memory", *DATABASES])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyBook]:
    if request.param == "memory":
        yield KeysInMemory()
        return
    with a_migrated_store(request.param, tmp_path, "delivery_keys", MIGRATIONS) as store:
        yield SqlKeys(store)


def test_a_key_comes_back_as_it_was(book: KeyBook) -> None:
    book.add(ONE)

    assert list(book.keys(SLOT)) == [ONE]


def test_keys_are_in_order_of_name_time_and_id(book: KeyBook) -> None:
    later, twin = replace(ONE, key_id="000000000000", made_at=AT + HOUR), replace(ONE, key_id="ffffffffffff")
    for key in (later, twin, ENDLESS, ONE):
        book.add(key)

    assert list(book.keys(SLOT)) == [ENDLESS, ONE, twin, later]


def test_keys_of_another_slot_are_not_in_it(book: KeyBook) -> None:
    book.add(ONE)

    assert list(book.keys(OTHER)) == []


def test_an_id_is_used_once(book: KeyBook) -> None:
    book.add(ONE)

    with pytest.raises(Conflict):
        book.add(replace(ONE, name="somebody else", pointer=OTHER.pointer))

    assert list(book.keys(SLOT)) == [ONE]


@pytest.mark.parametrize(("later", "stands"), [(HOUR - timedelta.resolution, True), (HOUR, False), (2 * HOUR, False)])
def test_a_key_stands_until_it_expires(book: KeyBook, later: timedelta, stands: bool) -> None:
    book.add(ONE)
    book.add(ENDLESS)

    assert list(book.keys(SLOT, AT + later)) == [ENDLESS, *([ONE] if stands else [])]


def test_a_revoked_key_stands_no_more_and_stays_in_the_book(book: KeyBook) -> None:
    book.add(ONE)
    book.add(ENDLESS)

    assert book.revoke(SLOT, ONE.key_id, AT + HOUR / 2, "ben")

    assert list(book.keys(SLOT, AT)) == [ENDLESS]
    assert list(book.keys(SLOT)) == [ENDLESS, replace(ONE, revoked_at=AT + HOUR / 2, revoked_by="ben")]


def test_a_key_is_revoked_once_and_only_in_its_own_slot(book: KeyBook) -> None:
    book.add(ONE)

    assert not book.revoke(OTHER, ONE.key_id, AT, "mallory")
    assert not book.revoke(SLOT, "222222222222", AT, "mallory")
    assert book.revoke(SLOT, ONE.key_id, AT, "ben")
    assert not book.revoke(SLOT, ONE.key_id, AT + HOUR, "mallory")
    assert list(book.keys(SLOT)) == [replace(ONE, revoked_at=AT, revoked_by="ben")]
