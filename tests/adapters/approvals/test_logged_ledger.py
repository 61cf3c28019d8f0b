"""What the gate does with a ledger that somebody changed by SQL: nothing is judged that was not logged so."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.event_rows import event_body, kind_of
from handrail.approvals.adapters.sql_ledger import SqlLedger
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import events, head, leaves, requests
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.judging import Verdict
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger
from tests.fakes.approvals_world import World, opening

RELEASE = Path(__file__).parents[2] / "fixtures" / "releases" / "0.1.0" / "handrail.sql"


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with approvals_store(request.param, tmp_path) as store:
        yield store


@pytest.fixture
def world(store):
    return World(ledger=logged_ledger(store))


@pytest.fixture
def asked(world):
    """A request that one of two approved."""
    request_id = world.ask()
    assert world.say(request_id, "ben") is Verdict.PENDING
    return request_id


def _write(store, *statements):
    with store.write() as connection:
        for statement in statements:
            connection.execute(statement)


def _approval(world, person="Cleo"):
    event = Decided(world.clock(), person.lower(), person, Choice.APPROVE, "by SQL")
    return {"kind": kind_of(event), "body": event_body(event)}


def test_everything_that_happens_has_its_leaf_in_order(world, store):
    world.promote()

    log = SqlLog(store, world.ledger._log._signer)
    kinds = [leaf.content.split(b'"kind":"')[1].split(b'"')[0].decode() for leaf in log.read(0, 100)]
    assert kinds == ["opened", "decided", "decided", "move-intended", "move-done", "published"]


def test_an_approval_inserted_by_sql_is_not_judged_and_moves_nothing(world, store, asked):
    _write(store, events.insert().values(request_id=asked, position=1, **_approval(world)))

    with pytest.raises(LogMismatch, match="has an event 1 of kind 'decided' without a leaf"):
        world.say(asked, "ben")
    with pytest.raises(LogMismatch, match="without a leaf"):
        world.gate.request(asked)
    with pytest.raises(LogMismatch, match="without a leaf"):
        world.gate.open_request(opening(), "ada")
    assert world.champion() is None


def test_an_approval_inserted_with_a_copied_leaf_is_not_judged(world, store, asked):
    _write(store, events.insert().values(request_id=asked, position=1, **_approval(world)))
    with store.read() as connection:
        last = dict(connection.execute(sa.select(leaves).where(leaves.c.number == 1)).one()._mapping)
    _write(store, leaves.insert().values(last | {"number": 2, "position": 1}))

    with pytest.raises(LogMismatch, match="not signed at this place"):
        world.say(asked, "cleo")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: body.replace("Ben", "Cleo"), "event 0 of kind 'decided' that is not what leaf 1 says"),
        (lambda body: body.replace("ben", "cleo"), "not what leaf 1 says"),
        (lambda body: body.replace("looked at it", "looked at all"), "not what leaf 1 says"),
        (lambda body: body.replace("2026-01-01", "2026-01-02"), "not what leaf 1 says"),
        (lambda body: body + " ", "not what leaf 1 says"),
    ],
)
def test_an_event_that_was_edited_is_not_judged(world, store, asked, change, words):
    with store.read() as connection:
        body = connection.execute(sa.select(events.c.body)).scalar()
    assert change(body) != body
    _write(store, events.update().values(body=change(body)))

    with pytest.raises(LogMismatch, match=words):
        world.say(asked, "cleo")
    assert world.champion() is None


def test_an_event_of_another_kind_is_not_judged(world, store, asked):
    _write(store, events.update().values(kind="voided"))

    with pytest.raises((LogMismatch, TypeError), match="'decided' in leaf 1"):
        world.say(asked, "cleo")


def test_a_request_that_was_edited_is_not_judged(world, store, asked):
    with store.read() as connection:
        body = connection.execute(sa.select(requests.c.body)).scalar()
    _write(store, requests.update().values(body=body.replace('"authors":["ada"]', '"authors":["zoe"]')))

    with pytest.raises(LogMismatch, match="not what leaf 0 says that was asked for"):
        world.say(asked, "cleo")


def test_a_rejection_that_was_removed_is_missed(world, store, asked):
    world.say(asked, "ben", Choice.REJECT)
    _write(store, events.delete().where(events.c.position == 1))

    with pytest.raises(LogMismatch, match="has lost its event 1 of kind 'decided', which leaf 2 has"):
        world.say(asked, "cleo")


def test_a_request_that_was_removed_is_missed(world, store):
    request_id = world.ask()
    _write(store, requests.delete())

    with pytest.raises(LogMismatch, match="was opened by leaf 0 and is gone"):
        world.say(request_id, "ben")


def test_a_leaf_that_was_removed_is_missed(world, store, asked):
    _write(store, leaves.delete().where(leaves.c.number == 1))

    with pytest.raises(LogMismatch, match="event 0 of kind 'decided' without a leaf"):
        world.say(asked, "cleo")


def test_a_leaf_that_was_edited_is_not_believed(world, store, asked):
    with store.read() as connection:
        leaf = connection.execute(sa.select(leaves.c.leaf).where(leaves.c.number == 1)).scalar()
    _write(store, leaves.update().where(leaves.c.number == 1).values(leaf=leaf.replace("Ben", "Cleo")))

    with pytest.raises(LogMismatch, match="Leaf 1 of the log|leaf 1 of the log"):
        world.say(asked, "cleo")


def test_a_change_by_sql_between_the_quorum_and_the_move_moves_nothing(world, store, asked):
    """An interrupted move is finished from what was logged, never from what was written since."""

    class Killed(BaseException):
        pass

    world.registry.fail_before = Killed()
    with pytest.raises(Killed):
        world.gate.decide(asked, "cleo", Choice.APPROVE, "fine")
    with store.read() as connection:
        body = connection.execute(sa.select(events.c.body).where(events.c.kind == "move-intended")).scalar()
    other = body.replace('"Ben"', '"Eve"')
    _write(store, events.update().where(events.c.kind == "move-intended").values(body=other))

    (report,) = world.gate.finish_moves()

    assert other != body
    assert "not what leaf 3 says" in report
    assert world.champion() is None


def test_what_is_stored_before_there_was_a_log_is_adopted_once(tmp_path):
    with sqlite3.connect(tmp_path / "handrail.db") as connection:
        connection.executescript(RELEASE.read_text())
    connection.close()
    with approvals_store("sqlite", tmp_path) as store:
        before = SqlLedger(store, None).find()
        signer = log_key()
        ledger = SqlLedger(store, SqlLog(store, signer))

        adopted = ledger.begin(Seals(signer))

        assert adopted == sum(1 + len(history.events) for history in before) > len(before) > 0
        assert [ledger.load(history.request.request_id) for history in before] == list(before)
        assert SqlLedger(store, SqlLog(store, signer)).begin(Seals(signer)) == 0
        assert all(b'"adopted":true' in leaf.content for leaf in SqlLog(store, signer).read(0, adopted))


def test_what_is_written_by_sql_before_the_log_began_is_judged_by_nobody_who_reads(store, tmp_path):
    with store.read() as connection:
        assert connection.execute(sa.select(head.c.signature)).scalar() == ""
    ledger = SqlLedger(store, SqlLog(store, log_key()))

    with pytest.raises(LogMismatch, match="not signed"):
        World(ledger=ledger).ask()
