"""Keys of callers: made, found, expired and revoked, over a book in memory."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.delivery import EVERY_RIGHT, KeyRing, Keys, Right, Slot
from handrail.delivery.domain.keys import key_digest
from handrail.delivery.service.keys import MOST_STANDING
from handrail.errors import InvalidInput, Refused, UnknownReference
from tests.fakes.serving_keys import KeysInMemory

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book() -> KeysInMemory:
    return KeysInMemory()


@pytest.fixture
def keys(book: KeysInMemory, clock: Clock) -> Keys:
    return Keys(book, Slot("prod", "churn"), clock)


def test_a_key_is_long_random_and_only_its_hash_is_kept(keys: Keys, book: KeysInMemory) -> None:
    texts = [keys.make("crew-desk", "ada", DAY)[0] for _ in range(20)]

    assert all(re.fullmatch(r"hrk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", text) for text in texts)
    assert len({text.split("_", 2)[2] for text in texts}) == 20
    assert not any(text.split("_", 2)[2] in repr(book.kept) for text in texts)
    assert {key.digest for key in book.kept.values()} == set(map(key_digest, texts))


def test_a_key_opens_its_slot_until_it_expires(keys: Keys, clock: Clock) -> None:
    text, key = keys.make("crew-desk", "ada", DAY, frozenset({Right.PREDICT}))
    ring = keys.ring()

    assert ring.find(text, AT) == key
    assert (key.name, key.rights, key.expires_at) == ("crew-desk", {Right.PREDICT}, AT + DAY)
    assert ring.find(text, AT + DAY - timedelta.resolution) == key
    assert ring.find(text, AT + DAY) is None
    clock.now = AT + DAY
    assert not keys.ring().knows(text)


def test_a_key_of_another_slot_opens_nothing(keys: Keys, book: KeysInMemory, clock: Clock) -> None:
    text, _ = Keys(book, Slot("staging", "churn"), clock).make("crew-desk", "ada", DAY)

    assert keys.ring().find(text, AT) is None


def test_two_keys_of_a_caller_open_together_and_either_is_revoked_alone(keys: Keys) -> None:
    (old, first), (new, second) = keys.make("crew-desk", "ada", DAY), keys.make("crew-desk", "ada", None)

    assert [keys.ring().find(text, AT) for text in (old, new)] == [first, second]
    with pytest.raises(InvalidInput, match=r"2 keys that stand.*--all"):
        keys.revoke("crew-desk", "ben")
    assert [key.key_id for key in keys.revoke(first.key_id, "ben")] == [first.key_id]
    assert [keys.ring().find(text, AT) for text in (old, new)] == [None, second]
    assert [key.key_id for key in keys.revoke("crew-desk", "ben")] == [second.key_id]
    with pytest.raises(UnknownReference):
        keys.revoke("crew-desk", "ben")
    assert {(key.key_id, key.revoked_by) for key in keys.all()} == {(first.key_id, "ben"), (second.key_id, "ben")}


def test_all_keys_of_a_caller_are_revoked_at_once_and_those_of_others_stay(keys: Keys) -> None:
    for name in ("crew-desk", "crew-desk", "archive"):
        keys.make(name, "ada", DAY)

    assert len(keys.revoke("crew-desk", "ben", every=True)) == 2
    assert [key.name for key in keys.all() if key.revoked_at is None] == ["archive"]


@pytest.mark.parametrize("name", ["", "-x", "a b", "a" * 65, "crew\n", "key:x", "é"])
def test_a_name_that_a_log_or_a_header_could_misread_is_refused(keys: Keys, book: KeysInMemory, name: str) -> None:
    with pytest.raises(InvalidInput):
        keys.make(name, "ada", DAY)

    assert book.kept == {}


@pytest.mark.parametrize("lifetime", [timedelta(0), -DAY, 3651 * DAY])
def test_a_key_lives_some_time_and_not_for_decades(keys: Keys, lifetime: timedelta) -> None:
    with pytest.raises(InvalidInput):
        keys.make("crew-desk", "ada", lifetime)


def test_a_key_without_a_right_is_refused(keys: Keys) -> None:
    with pytest.raises(InvalidInput):
        keys.make("crew-desk", "ada", DAY, frozenset())


def test_so_many_keys_stand_and_those_that_ended_do_not_count(keys: Keys, clock: Clock) -> None:
    _, first = keys.make("crew-desk", "ada", None)
    for _ in range(MOST_STANDING - 1):
        keys.make("crew-desk", "ada", DAY)

    with pytest.raises(Refused, match="Revoke some"):
        keys.make("archive", "ada", DAY)
    keys.revoke(first.key_id, "ada")
    keys.make("archive", "ada", DAY)


class Unequal(str):
    """A text that may be compared by `hmac.compare_digest` alone: `==` ends at the first character that differs."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared in a time that depends on the text")

    __hash__ = str.__hash__


def test_the_time_of_a_comparison_says_nothing_about_the_key(keys: Keys) -> None:
    text, key = keys.make("crew-desk", "ada", None)
    ring = KeyRing([replace(key, digest=Unequal(key.digest))])

    assert ring.find(text, AT) is not None
    assert ring.find(f"{text[:-1]}{'A' if text[-1] != 'A' else 'B'}", AT) is None


@given(st.text(max_size=80) | st.from_regex(r"hrk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", fullmatch=True))
def test_no_other_text_opens_anything(text: str) -> None:
    keys = Keys(KeysInMemory(), Slot("prod", "churn"), lambda: AT)
    keys.make("crew-desk", "ada", None, EVERY_RIGHT)
    (key,) = keys.all()

    ring = keys.ring()

    assert ring.find(text, AT) is None
    assert ring.find(f"hrk_{key.key_id}_{'A' * 43}", AT) is None
