"""Random lives of a gate over the SQL adapters: after each start log, ledger and aliases agree in every cell."""

import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from handrail.approvals.adapters.sql_audit import SqlAudit
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_rules import SqlRules
from handrail.approvals.adapters.sql_seals import Seals
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger
from tests.fakes.effort import TIMES
from tests.fakes.gate_life_machine import GateLife
from tests.fakes.gate_life_world import Stores

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize("database", DATABASES)
def test_no_life_of_a_gate_in_sql_leaves_what_log_and_books_do_not_allow(database):
    class Life(GateLife):
        met = Counter()

        def stores(self):
            self.closing = ExitStack()
            folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))
            store, key = self.closing.enter_context(approvals_store(database, folder)), log_key()
            ledger, seals = logged_ledger(store, key), Seals(key)
            return Stores(
                ledger,
                SqlRules(store, ledger.log),
                SqlProvenance(store, seals),
                SqlHolds(store, seals),
                SqlFindings(store, ledger.log),
                lambda: list(SqlAudit(store, SqlLog(store, key), Seals(key)).problems()),
            )

        def teardown(self):
            try:
                super().teardown()
            finally:
                self.closing.close()

    lives = settings(
        max_examples=8 * TIMES,
        stateful_step_count=40,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Life, settings=lives)

    assert Life.met["promotion"], Life.met
