"""`AttemptLog`: the same promises by the fake, by the log itself, and over a keeper's socket."""

from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from handrail.approvals.adapters.log_attempts import LogAttempts, SocketAttempts
from handrail.approvals.adapters.sql_log import read_leaf
from handrail.approvals.domain.attempts import Attempt, AttemptKind
from tests.fakes.approvals_attempts import MemoryAttempts
from tests.fakes.approvals_store import DATABASES, approvals_store, logged_ledger
from tests.fakes.keeper import asking

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "socket", *DATABASES])
def noting(request, tmp_path):
    """A log of attempts, and what gives the kind and the facts of each leaf that is there."""
    if request.param in ("memory", "socket"):
        memory = MemoryAttempts()

        def kept():
            return [(leaf.kind, dict(leaf.facts)) for leaf in memory.leaves]

        if request.param == "memory":
            yield memory, kept
            return
        with asking(attempts=memory) as keeper:
            yield SocketAttempts(keeper), kept
        return
    with approvals_store(request.param, tmp_path) as store:
        log = logged_ledger(store).log

        def logged():
            values = [read_leaf(leaf.content) for leaf in log.read(0, log.checkpoint()[0].size)]
            return [(each["kind"], each["facts"]) for each in values]

        yield LogAttempts(log), logged


def test_each_attempt_is_a_leaf_with_an_alarm(noting):
    log, kept = noting
    attempt = Attempt(AttemptKind.DIRECT, "ada", "Changing the alias 'champion' of 'm' directly is refused.", NOW, 4)

    log.note(attempt)
    log.note(attempt)

    facts = asdict(attempt) | {"attempt": "direct", "alarm": True}
    del facts["kind"], facts["at"]
    assert kept() == [("attempt-refused", facts)] * 2


def test_what_others_wrote_is_one_short_printable_line(noting):
    log, kept = noting

    log.note(Attempt(AttemptKind.DECISION, "a\u202eb", "x\n" * 400_000, NOW))

    ((_, facts),) = kept()
    assert facts["account"] == "a\\u202eb"
    assert len(facts["sentence"]) == 300
    assert "\n" not in facts["sentence"]
