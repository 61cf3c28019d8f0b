"""`RuleRecords`: in SQL, and in memory."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.socket_rules import SocketRules
from handrail.approvals.adapters.sql_ledger import SqlLedger
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_rules import SqlRules
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import rule_records
from handrail.approvals.domain.errors import LogMismatch, MovedMeanwhile
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.rule_changes import RuleChange, RulesInForce, Way
from handrail.errors import UnknownReference
from tests.fakes.approvals_ruling import RulesInMemory, rule_set
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key
from tests.fakes.keeper import asking

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FIRST = RulesInForce(0, rule_set(champion={"ml-engineer": 1}), Way.FIRST, NOW, "root")
OTHER = rule_set(champion={"ml-engineer": 2}, roles={})
CHANGE = RuleChange(FIRST.rules.digest, OTHER, "ada", "two pairs of eyes", NOW)
YES = Decided(NOW, "ben", "Ben", Choice.APPROVE, "fine")
SECOND = RulesInForce(1, OTHER, Way.DECIDED, NOW, "ada", "two pairs of eyes", CHANGE.change_id)


@contextmanager
def _in_sql(database, folder):
    with approvals_store(database, folder) as store:
        signer = log_key()
        log = SqlLog(store, signer)
        SqlLedger(store, log).begin(Seals(signer))
        yield SqlRules(store, log)


@pytest.fixture(params=DATABASES)
def sql_records(request, tmp_path):
    with _in_sql(request.param, tmp_path) as records:
        yield records


@pytest.fixture(params=["memory", "socket", *DATABASES])
def records(request, tmp_path):
    if request.param == "memory":
        yield RulesInMemory()
        return
    if request.param == "socket":
        with asking(rules=RulesInMemory()) as keeper:
            yield SocketRules(keeper)
        return
    with _in_sql(request.param, tmp_path) as records:
        yield records


def test_before_the_first_start_nothing_is_in_force(records):
    assert records.in_force() is None
    assert list(records.all_in_force()) == []
    assert list(records.changes()) == []


def test_what_was_taken_is_in_force_as_it_was(records):
    records.take(FIRST)

    assert records.in_force() == FIRST


def test_a_number_is_taken_once(records):
    records.take(FIRST)

    with pytest.raises(MovedMeanwhile):
        records.take(replace(FIRST, by="eve"))
    assert list(records.all_in_force()) == [FIRST]


def test_a_proposal_is_stored_once_with_what_it_says(records):
    first = records.open(CHANGE)
    again = records.open(replace(CHANGE, reason="another"))

    assert first == again == records.load(CHANGE.change_id)
    assert first.change == CHANGE
    assert not first.in_force
    assert list(records.changes()) == [first]


def test_a_decision_that_decides_brings_the_rules_into_force_with_it(records):
    records.take(FIRST)
    history = records.append(records.open(CHANGE), YES, SECOND)

    assert (history.decided, history.in_force) == ((YES,), True)
    assert records.in_force() == SECOND
    assert list(records.all_in_force()) == [FIRST, SECOND]
    assert records.load(CHANGE.change_id) == history


def test_of_two_decisions_on_the_same_state_one_is_stored(records):
    records.take(FIRST)
    history = records.open(CHANGE)
    records.append(history, YES, None)

    with pytest.raises(MovedMeanwhile):
        records.append(history, replace(YES, account="cleo", person="Cleo"), SECOND)
    assert records.load(CHANGE.change_id).decided == (YES,)
    assert records.in_force() == FIRST


def test_a_decision_is_not_stored_where_its_rules_come_too_late(records):
    records.take(FIRST)
    history = records.open(CHANGE)
    records.take(replace(FIRST, number=1, way=Way.OWNER))

    with pytest.raises(MovedMeanwhile):
        records.append(history, YES, SECOND)
    assert records.load(CHANGE.change_id).decided == ()


def test_what_nobody_proposed_is_unknown(records):
    with pytest.raises(UnknownReference, match="rc-0"):
        records.load("rc-0")


@pytest.mark.parametrize("stream", ["rules", CHANGE.change_id])
@pytest.mark.parametrize("change", ["edit", "remove", "copy"])
def test_what_sql_changed_is_refused(sql_records, stream, change):
    sql_records.take(FIRST)
    sql_records.append(sql_records.open(CHANGE), YES, SECOND)
    last = 1
    with sql_records._store.write() as connection:
        where = (rule_records.c.stream == stream) & (rule_records.c.position == last)
        row = connection.execute(sa.select(rule_records).where(where)).one()
        if change == "edit":
            body = row.body.replace("ada", "eve").replace("ben", "eve")
            connection.execute(rule_records.update().where(where).values(body=body))
        elif change == "remove":
            connection.execute(rule_records.delete().where(where))
        else:
            copied = {"stream": stream, "position": last + 1, "kind": row.kind, "body": row.body}
            connection.execute(rule_records.insert().values(copied))
    fresh = SqlRules(sql_records._store, sql_records._log)

    with pytest.raises(LogMismatch, match="leaf"):
        fresh.in_force() if stream == "rules" else fresh.load(stream)


def test_rules_that_another_process_brings_into_force_are_seen(sql_records):
    sql_records.take(FIRST)
    sql_records.in_force()
    SqlRules(sql_records._store, sql_records._log).take(replace(SECOND, change_id=None))

    assert sql_records.in_force().number == 1
