"""Each cell of each approvals table, edited by SQL, is found; so is each row that is removed or copied."""

import io
import sqlite3
from datetime import timedelta

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.folder_predictions import FolderPredictions
from handrail.approvals.adapters.folder_snapshots import FolderSnapshots, SqlLooks
from handrail.approvals.adapters.sql_audit import SqlAudit
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.adapters.sql_ledger import SqlLedger
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_nonces import SqlNonces
from handrail.approvals.adapters.sql_rules import SqlRules
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.sql_snapshot_book import SqlSnapshotBook
from handrail.approvals.adapters.tables import events, metadata
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.predictions import Foretelling
from handrail.approvals.domain.row_custody import RowsConfirmed
from handrail.approvals.service import Report
from tests.contracts.test_approvals_rule_records import CHANGE, FIRST, SECOND, YES
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_store import approvals_store, log_key
from tests.fakes.approvals_world import World

SIGNER = log_key()
TABLES = sorted(metadata.tables)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store in which everything happened once: a promotion, a rejection, a refusal, and a move that was killed."""
    folder = tmp_path_factory.mktemp("ledger")
    with approvals_store("sqlite", folder) as store:
        seals = Seals(SIGNER)
        ledger = SqlLedger(store, SqlLog(store, SIGNER))
        ledger.begin(seals)
        rules = SqlRules(store, ledger.log)
        rules.take(FIRST)
        rules.append(rules.open(CHANGE), YES, SECOND)
        custody = {"provenance": SqlProvenance(store, seals), "holds": SqlHolds(store, seals)}
        world = World(ledger=ledger, findings=SqlFindings(store, ledger.log), **custody)
        for version in (2, 3, 4):
            world.register(version)
        world.provenance.record_upload("0" * 64, "ada")
        world.provenance.record_parent("run-1", "run-0")
        SqlLooks(store, seals).look("flights", "sha256:0", "sha256:1", 5)
        nonces, now = SqlNonces(store, seals), world.clock()
        nonces.spend(nonces.issue("sha256:0", "ada", now, now + timedelta(days=1)), "sha256:0", "pr-1", now)
        FolderSnapshots(folder / "labels", store, seals).keep(io.BytesIO(b"PAR1 PAR1"), "flights", "ada", world.clock())
        confirmed = RowsConfirmed("sha256:0", "flights", "ben", "Ben", world.clock())
        SqlSnapshotBook(store, ledger.log, seals).confirm(confirmed)
        predictions = FolderPredictions(folder / "predictions", store, ledger.log, seals, world.clock)
        predictions.commit(io.BytesIO(b"PAR1 PAR1"), Foretelling("sha256:1", "flights", "ada"))
        world.holds.hold(world.registry.candidate("flights", "3"), "pr-given-up")
        world.holds.release("pr-given-up", world.clock(), "The move was abandoned.")
        world.promote()
        world.say(world.ask(version="2", evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}}), "ben", Choice.REJECT)
        world.ask(version="3", evidence={})
        finding = world.gate.findings.open(Report("flights", "drift", Severity.LOW, "3"), "ben")
        world.gate.findings.close(finding.opened.finding_id, "ben", "gone")
        request_id = world.ask(version="4", evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})
        world.say(request_id, "ben")
        world.registry.fail_before = Killed()
        with pytest.raises(Killed):
            world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")
        yield store, folder / "handrail.db"


@pytest.fixture
def audit(place):
    return SqlAudit(place[0], SqlLog(place[0], SIGNER), Seals(SIGNER))


@pytest.fixture
def sql(place):
    """A connection as somebody with the database's file has it: no foreign keys, no guard."""
    connection = sqlite3.connect(place[1], isolation_level=None)
    yield connection
    connection.close()


def _other(value):
    if value is None:
        return 0
    return value + 1000 if isinstance(value, int) else value + "x"


def _where(row):
    return " and ".join(f"{name} is ?" for name in row), list(row.values())


def _rows(sql, table):
    names = [column.name for column in metadata.tables[table].columns]
    return [dict(zip(names, row, strict=True)) for row in sql.execute(f"select {', '.join(names)} from {table}")]


def test_an_honest_ledger_has_no_problem_and_every_table_holds_something(audit, sql):
    assert list(audit.problems()) == []
    assert [table for table in TABLES if not _rows(sql, table)] == []


@pytest.mark.parametrize("table", TABLES)
def test_every_cell_that_is_edited_is_found(audit, sql, table):
    unseen, edits = [], 0
    for row in _rows(sql, table):
        for name, value in row.items():
            changed = row | {name: _other(value)}
            condition, values = _where(row)
            sql.execute(f"update {table} set {name} = ? where {condition}", [changed[name], *values])
            if not list(audit.problems()):
                unseen.append((name, row))
            condition, values = _where(changed)
            sql.execute(f"update {table} set {name} = ? where {condition}", [value, *values])
            edits += 1

    assert edits >= len(metadata.tables[table].columns)
    assert unseen == []
    assert list(audit.problems()) == []


@pytest.mark.parametrize("table", TABLES)
def test_every_row_that_is_removed_is_found(audit, sql, table):
    for row in _rows(sql, table):
        condition, values = _where(row)
        sql.execute(f"delete from {table} where {condition}", values)
        seen = list(audit.problems())
        names = ", ".join(row)
        sql.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))

        assert seen, row
    assert list(audit.problems()) == []


def test_an_approval_inserted_by_sql_is_named_with_its_request(audit, sql):
    row = next(row for row in _rows(sql, "approvals_event") if row["kind"] == "decided")
    forged = row | {"position": 9, "body": row["body"].replace("Ben", "Cleo").replace("ben", "cleo")}
    sql.execute("insert into approvals_event values (?, ?, ?, ?)", list(forged.values()))

    (problem,) = audit.problems()

    sql.execute("delete from approvals_event where position = 9")
    assert (
        problem == f"The promotion request {row['request_id']!r} has an event 9 of kind 'decided' without a leaf in "
        "the log."
    )


def test_a_name_that_was_exchanged_is_named_with_its_leaf(audit, sql, place):
    sql.execute("""update approvals_event set body = replace(body, '"Cleo"', '"Eve"') where kind = 'decided'""")

    problems = list(audit.problems())

    sql.execute("""update approvals_event set body = replace(body, '"Eve"', '"Cleo"') where kind = 'decided'""")
    assert all("of kind 'decided' that is not what leaf" in problem for problem in problems)
    with place[0].read() as connection:
        decided = connection.execute(sa.select(sa.func.count()).where(events.c.kind == "decided")).scalar()
    assert 0 < len(problems) < decided


def test_a_log_that_has_not_begun_is_said(tmp_path):
    with approvals_store("sqlite", tmp_path) as store:
        (problem,) = SqlAudit(store, SqlLog(store, SIGNER), Seals(SIGNER)).problems()

    assert "has not begun" in problem
