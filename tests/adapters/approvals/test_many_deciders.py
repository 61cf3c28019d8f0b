"""Sixty-four persons decide at once about one request: one move, one permit, and each stored word in the log."""

import json
import threading
from collections import Counter

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.sql_audit import SqlAudit
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import leaves, permits
from handrail.approvals.domain.errors import Closed, MovedMeanwhile, MoveUnderWay
from handrail.approvals.domain.events import Choice, MoveDone, MoveIntended
from handrail.approvals.domain.people import Person
from tests.fakes.approvals import PEOPLE, FakeRegistry
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger
from tests.fakes.approvals_world import World

DECIDERS, NEEDED, DEADLINE_S = 64, 20, 120


class CountingRegistry(FakeRegistry):
    """Counts its moves."""

    def __init__(self):
        super().__init__()
        self.moves = []

    def point(self, model, alias, version):
        self.moves.append((alias, version))
        super().point(model, alias, version)


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with approvals_store(request.param, tmp_path) as store:
        yield store


@pytest.fixture
def key():
    return log_key()


@pytest.fixture
def world(store, key):
    ledger, seals = logged_ledger(store, key), Seals(key)
    world = World(
        ledger=ledger,
        registry=CountingRegistry(),
        findings=SqlFindings(store, ledger.log),
        provenance=SqlProvenance(store, seals),
        holds=SqlHolds(store, seals),
    )
    crowd = (Person(f"P{n}", frozenset({f"p{n}"}), frozenset({"ml-engineer"})) for n in range(DECIDERS))
    world.rules.persons = (*PEOPLE, *crowd)
    world.change_rules(quorum={"ml-engineer": NEEDED})
    return world


def test_of_many_who_decide_at_once_one_moves_the_alias_once(world, store, key):
    request_id, ready, ends = world.ask(), threading.Barrier(DECIDERS), []

    def decide(account):
        ready.wait(DEADLINE_S)
        while True:
            try:
                ends.append(
                    (account, str(world.gate.decide(request_id, account, Choice.APPROVE, "fine").judgement.verdict))
                )
                return
            except (MovedMeanwhile, MoveUnderWay):
                continue
            except Closed as err:
                ends.append((account, f"closed: {err.verdict}"))
                return

    threads = [threading.Thread(target=decide, args=(f"p{n}",)) for n in range(DECIDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)

    assert len(ends) == DECIDERS
    history = world.ledger.load(request_id)
    assert world.registry.moves == [("champion", 1)]
    assert Counter(type(event) for event in history.events)[MoveDone] == 1
    assert Counter(type(event) for event in history.events)[MoveIntended] == 1
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(permits)).scalar() == 1
        logged = [
            json.loads(text)
            for text in connection.execute(sa.select(leaves.c.leaf).order_by(leaves.c.number)).scalars()
        ]
    stored = [decision.account for decision in history.decisions]
    assert [leaf["facts"]["account"] for leaf in logged if leaf["kind"] == "decided"] == stored
    # Whoever was answered with a verdict has their word in the log, and nobody else.
    assert {account for account, end in ends if not end.startswith("closed")} <= set(stored)
    assert NEEDED <= len(stored) == len(set(stored))
    assert list(SqlAudit(store, SqlLog(store, key), Seals(key)).problems()) == []
