"""What every register of tokens promises: a name once, hashes only, forgotten when removed."""

from base64 import urlsafe_b64decode
from contextlib import nullcontext
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from handrail.errors import Conflict, InvalidInput, UnknownReference
from handrail.lineage.adapters.sql.tokens import SqlTokens
from handrail.lineage.domain.callers import HolderKind, TokenRecord
from handrail.lineage.domain.scopes import May, TokenScope
from handrail.lineage.service.access import Access
from tests.fakes.lineage_events import TokensInMemory
from tests.fakes.lineage_stores import KINDS, an_empty_store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", *KINDS])
def register(request):
    opened = nullcontext() if request.param == "memory" else an_empty_store(request.param)
    with opened as store:
        yield SqlTokens(store) if store else TokensInMemory()


def test_a_record_comes_back_as_it_was(register):
    records = [TokenRecord(name, f"actor://service/{name}", name * 64, NOON) for name in ("b", "a")]
    for record in records:
        register.add(record)

    assert register.all() == tuple(reversed(records))
    assert register.remove("a")
    assert not register.remove("a")
    assert register.all() == (records[0],)


def test_what_a_token_allows_comes_back_as_it_was(register):
    scope = TokenScope(frozenset({May.SEND, May.USED}), ("s3://lake", "airflow"))
    access = Access(register, lambda: NOON)
    narrow, wide = access.create("narrow", scope=scope), access.create("wide")

    assert [found.scope for token in (narrow, wide) if (found := access.find(token))] == [scope, TokenScope()]
    assert access.find("none") is None


def test_which_outcomes_a_token_reports_comes_back_as_it_was(register):
    scope = TokenScope(frozenset({May.REPORT, May.PREDICT}), (), ("rating",), ("shop", "web"))
    access = Access(register, lambda: NOON)

    found = access.find(access.create("shop", scope=scope))

    assert found is not None
    assert found.scope == scope


def test_a_name_is_taken_once(register):
    register.add(TokenRecord("a", "actor://service/a", "1", NOON))

    with pytest.raises(Conflict, match="revoke a"):
        register.add(TokenRecord("a", "actor://service/a", "2", NOON))

    assert register.all()[0].digest == "1"


def test_a_token_has_256_bits_that_nobody_can_guess_and_only_its_hash_is_kept(register):
    access = Access(register, lambda: NOON)
    tokens = [access.create(name) for name in ("a", "b")]

    assert [len(urlsafe_b64decode(f"{token}=")) for token in tokens] == [32, 32]
    assert tokens[0] != tokens[1]
    assert [record.digest for record in register.all()] == [sha256(token.encode()).hexdigest() for token in tokens]


def test_a_token_represents_its_holder_until_it_is_revoked(register):
    access = Access(register, lambda: NOON)
    bot, ann = access.create("airflow"), access.create("ann", HolderKind.PERSON)

    assert (access.holder_of(bot), access.holder_of(ann)) == ("actor://service/airflow", "actor://person/ann")
    assert access.holder_of(bot[:-1]) is None
    assert bot not in str(access.tokens())

    access.revoke("airflow")

    assert access.holder_of(bot) is None
    with pytest.raises(UnknownReference):
        access.revoke("airflow")


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "a\x00", "é", "x" * 65])
def test_a_name_is_a_simple_one(register, name):
    with pytest.raises(InvalidInput):
        Access(register, lambda: NOON).create(name)
