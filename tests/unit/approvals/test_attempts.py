"""Refused attempts: noted at once, and so seldom that nobody fills the log."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.approvals.domain.attempts import AttemptKind
from handrail.approvals.service.attempts import MOST_AT_ONCE, Attempts
from tests.fakes.approvals_attempts import MemoryAttempts

DIRECT = AttemptKind.DIRECT


class Clock:
    def __init__(self):
        self.now = datetime(2026, 7, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log():
    return MemoryAttempts()


@pytest.fixture
def attempts(log, clock):
    return Attempts(log, clock)


def _counts(log):
    return [leaf.facts["count"] for leaf in log.leaves]


def test_the_first_attempt_is_noted_at_once(attempts, log):
    attempts.refused(DIRECT, "ada", "No.")

    (leaf,) = log.leaves
    assert leaf.facts == {"attempt": "direct", "account": "ada", "sentence": "No.", "count": 1, "alarm": True}


def test_ten_thousand_attempts_in_a_minute_are_two_leaves_that_count_them_all(attempts, log, clock):
    for _ in range(10_000):
        attempts.refused(DIRECT, "ada", "No.")
    clock.pass_by(60)
    attempts.flush()

    assert _counts(log) == [1, 9_999]
    assert attempts.total[DIRECT] == 10_000


def test_a_window_that_is_over_is_noted_by_the_next_attempt_of_anybody(attempts, log, clock):
    for account in ("ada", "ada", "ben"):
        attempts.refused(DIRECT, account, "No.")
    clock.pass_by(61)
    attempts.refused(AttemptKind.DECISION, "cleo", "No.")

    assert sum(_counts(log)) == 4


def test_accounts_and_kinds_have_windows_of_their_own(attempts, log):
    for kind in AttemptKind:
        for account in ("ada", "ben"):
            attempts.refused(kind, account, "No.")

    assert _counts(log) == [1] * 6


def test_many_accounts_at_once_are_counted_together(attempts, log, clock):
    for number in range(10 * MOST_AT_ONCE):
        attempts.refused(DIRECT, f"made-up-{number}", "No.")
    clock.pass_by(60)
    attempts.flush()

    assert len(log.leaves) <= MOST_AT_ONCE + 2
    assert sum(_counts(log)) == 10 * MOST_AT_ONCE


def test_what_the_log_cannot_take_is_counted_on_and_noted_later(attempts, log, caplog):
    log.broken = True
    attempts.refused(DIRECT, "ada", "No.")
    attempts.refused(DIRECT, "ada", "No.")
    log.broken = False
    attempts.flush()

    assert _counts(log) == [2]
    assert "could not be noted" in caplog.text


def test_a_clock_that_goes_back_hides_no_attempt(attempts, log, clock):
    attempts.refused(DIRECT, "ada", "No.")
    clock.pass_by(-48 * 3600)
    attempts.refused(DIRECT, "ada", "No.")

    assert _counts(log) == [1, 1]
