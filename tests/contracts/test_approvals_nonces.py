"""`Nonces`: the same promises by the fake, by SQL, and by a keeper's socket before that."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from handrail.approvals.adapters.socket_custody import SocketNonces
from handrail.approvals.adapters.sql_nonces import SqlNonces
from handrail.approvals.adapters.sql_seals import Seals
from handrail.errors import Refused
from tests.fakes.approvals_attesting import MemoryNonces
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key
from tests.fakes.keeper import asking

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(params=["memory", "socket", *DATABASES])
def nonces(request, tmp_path):
    if request.param == "memory":
        yield MemoryNonces()
        return
    database = "sqlite" if request.param == "socket" else request.param
    with approvals_store(database, tmp_path) as store:
        seals = Seals(log_key())
        held = SqlNonces(store, seals)
        if request.param == "socket":
            with asking(nonces=held) as keeper:
                yield SocketNonces(keeper)
        else:
            yield held
        with store.read() as connection:
            assert list(seals.broken(connection)) == []


def test_each_nonce_is_another_one(nonces):
    assert len({nonces.issue("sha256:1", "ada", NOW, LATER) for _ in range(5)}) == 5


def test_it_serves_one_request_however_often(nonces):
    nonce = nonces.issue("sha256:1", "ada", NOW, LATER)

    nonces.spend(nonce, "sha256:1", "pr-1", NOW)
    nonces.spend(nonce, "sha256:1", "pr-1", LATER + timedelta(days=9))

    with pytest.raises(Refused, match="serves the request pr-1"):
        nonces.spend(nonce, "sha256:1", "pr-2", NOW)


def test_it_serves_its_purpose_alone(nonces):
    nonce = nonces.issue("sha256:1", "ada", NOW, LATER)

    for wrong in ((nonce, "sha256:2"), ("made-up", "sha256:1"), ("", "sha256:1")):
        with pytest.raises(Refused, match="gave it to nobody"):
            nonces.spend(*wrong, "pr-1", NOW)


def test_it_expires(nonces):
    nonce = nonces.issue("sha256:1", "ada", NOW, LATER)

    with pytest.raises(Refused, match="It expired at 2026-01-01T01:00:00"):
        nonces.spend(nonce, "sha256:1", "pr-1", LATER)


def test_an_account_has_a_hundred_that_can_be_used(nonces):
    given = [nonces.issue("sha256:1", "ada", NOW, LATER) for _ in range(100)]

    with pytest.raises(Refused, match="100 that can still be used"):
        nonces.issue("sha256:1", "ada", NOW, LATER)
    assert nonces.issue("sha256:1", "ben", NOW, LATER)
    nonces.spend(given[0], "sha256:1", "pr-1", NOW)
    assert nonces.issue("sha256:1", "ada", NOW, LATER)
    assert nonces.issue("sha256:1", "ada", LATER, LATER + timedelta(hours=1))


def test_of_requests_at_the_same_moment_it_serves_one(nonces):
    nonce = nonces.issue("sha256:1", "ada", NOW, LATER)

    def spend(number):
        try:
            nonces.spend(nonce, "sha256:1", f"pr-{number}", NOW)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(spend, range(16))) == 1
