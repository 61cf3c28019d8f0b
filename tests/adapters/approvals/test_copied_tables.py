"""Bringing the records of a gate into a database of their own, also from SQLite to PostgreSQL."""

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.copied_tables import copy_tables
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import metadata
from handrail.errors import Misconfigured
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger
from tests.fakes.approvals_world import World, opening


@pytest.fixture
def filled(tmp_path):
    """A store with a bit of everything, the key of its log, and three requests of which the last is not stored."""
    key, world = log_key(), World()
    world.register(2)
    world.register(3)
    requests = [world.gate.open_request(opening(version), "ada").history.request for version in (1, 2, 3)]
    (tmp_path / "old").mkdir()
    with approvals_store("sqlite", tmp_path / "old") as store:
        ledger = logged_ledger(store, key)
        for request in requests[:2]:
            ledger.open(request)
        SqlProvenance(store, Seals(key)).record("run", "run-1", "ada")
        SqlHolds(store, Seals(key)).hold(world.registry.versions["flights", 1], requests[0].request_id)
        yield store, key, requests


@pytest.fixture(params=DATABASES)
def target(request, tmp_path):
    (tmp_path / "new").mkdir()
    with approvals_store(request.param, tmp_path / "new") as store:
        yield store


def _rows(store):
    with store.read() as connection:
        tables = metadata.sorted_tables
        return {table.name: sorted(map(repr, connection.execute(sa.select(table)).tuples())) for table in tables}


def test_every_row_is_there_and_the_gate_goes_on(filled, target):
    store, key, requests = filled

    count = copy_tables(store, target)

    assert count == sum(map(len, _rows(store).values()))
    assert _rows(target) == _rows(store)
    ledger = logged_ledger(target, key)
    ledger.open(requests[2])
    assert [found.request for found in ledger.find()] == requests
    with target.read() as connection:
        assert list(Seals(key).broken(connection)) == []


def test_copying_again_changes_nothing(filled, target):
    store, key, requests = filled
    copy_tables(store, target)
    logged_ledger(target, key).open(requests[2])
    before = _rows(target)

    assert copy_tables(store, target) == 0
    assert _rows(target) == before


def test_another_gate_s_records_are_not_mixed_in(filled, target):
    store, _, requests = filled
    logged_ledger(target).open(requests[2])
    before = _rows(target)

    with pytest.raises(Misconfigured, match="another gate"):
        copy_tables(store, target)
    assert _rows(target) == before
