"""A finding that somebody removes or edits by SQL does not open the gate."""

import pytest

from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.findings import Severity
from handrail.approvals.service import Report
from tests.fakes.approvals_store import DATABASES, approvals_store, logged_ledger
from tests.fakes.approvals_world import World


@pytest.fixture(params=DATABASES)
def place(request, tmp_path):
    with approvals_store(request.param, tmp_path) as store:
        ledger = logged_ledger(store)
        world = World(ledger=ledger, findings=SqlFindings(store, ledger.log))
        world.gate.findings.open(Report("flights", "drift", Severity.HIGH), "ben")
        yield world, store


@pytest.mark.parametrize(
    "edit",
    [
        "delete from approvals_finding",
        "update approvals_finding set body = replace(body, 'flights', 'orders')",
        "update approvals_finding set model = 'orders'",
        "update approvals_finding set kind = 'finding-closed'",
        "update approvals_finding set position = 4",
        "insert into approvals_finding select model_key, 1, kind, model, body from approvals_finding",
    ],
)
def test_the_gate_stays_shut_after_an_edit_by_sql(place, edit):
    world, store = place
    with store.write() as connection:
        connection.exec_driver_sql(edit)

    with pytest.raises(LogMismatch, match="findings about 'flights'"):
        world.promote()

    assert world.champion() is None
