from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import Closed
from handrail.approvals.domain.events import Choice, Evaluated
from handrail.approvals.domain.expiry import why_expired
from handrail.approvals.domain.judging import Verdict
from handrail.errors import Misconfigured
from tests.fakes.approvals_world import World

DAY = timedelta(days=1)
WORDS = "longer than the 30 days that its policy gives a request; ask again"


@pytest.fixture
def world():
    return World()


def _verdict(world, request_id):
    return world.gate.request(request_id).judgement.verdict


def test_a_request_expires_after_thirty_days(world):
    request_id = world.ask()
    world.clock.now += 29 * DAY
    assert world.say(request_id, "ben") is Verdict.PENDING

    world.clock.now += DAY
    view = world.gate.request(request_id)
    assert view.judgement.verdict is Verdict.VOID
    assert WORDS in view.judgement.reasons[0]
    assert world.ledger.load(request_id).voided is None

    with pytest.raises(Closed, match=WORDS):
        world.say(request_id, "cleo")
    assert WORDS in world.ledger.load(request_id).voided.reasons[0]
    assert world.champion() is None


def test_the_last_moment_is_in_time(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    opened = world.ledger.load(request_id).request.opened_at

    world.clock.now = opened + 30 * DAY - timedelta(seconds=10)

    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_the_policy_says_how_long(world):
    plain = world.rules.policy("flights", "champion").digest
    world.change_rules(request_days=2)
    request_id = world.ask()

    world.clock.now += 3 * DAY

    assert _verdict(world, request_id) is Verdict.VOID
    assert world.rules.policy("flights", "champion").digest != plain


def test_a_clock_that_goes_back_revives_nothing(world):
    request_id = world.ask()
    opened = world.clock.now
    world.clock.now += 31 * DAY
    assert _verdict(world, request_id) is Verdict.VOID

    world.clock.now = opened
    assert _verdict(world, request_id) is Verdict.VOID
    world.gate.expiry.sweep()
    world.restart()

    assert _verdict(world, request_id) is Verdict.VOID
    with pytest.raises(Closed, match=WORDS):
        world.say(request_id, "ben")


def test_a_request_is_at_least_as_old_as_its_newest_event(world):
    history = world.ledger.load(world.ask())
    opened = history.request.opened_at
    measured = history.then(Evaluated(opened + 31 * DAY, "sha256:rows"))

    assert why_expired(history, 30, opened) == ()
    assert WORDS in why_expired(measured, 30, opened)[0]


def test_the_sweep_ends_what_has_expired_and_nothing_else(world):
    old = world.ask()
    rejected = world.ask(reason="again", evidence={"evaluation": {"roc_auc": 0.8}, "parity": {"labels_differ": 0}})
    world.register(2)
    world.clock.now += 20 * DAY
    young = world.ask(version="2")
    world.clock.now += 11 * DAY

    world.gate.expiry.sweep()

    assert world.ledger.load(old).voided
    assert world.ledger.load(rejected).voided
    assert not world.ledger.load(young).voided
    assert len(world.ledger.load(old).events) == 1
    world.gate.expiry.sweep()
    assert len(world.ledger.load(old).events) == 1


def test_what_was_rejected_or_promoted_stays_so(world):
    rejected = world.ask()
    world.say(rejected, "ben", Choice.REJECT)
    world.register(2)
    promoted = world.promote(2)
    world.clock.now += 99 * DAY

    world.gate.expiry.sweep()

    assert _verdict(world, rejected) is Verdict.REJECTED
    assert _verdict(world, promoted) is Verdict.PROMOTED


def test_the_same_can_be_asked_again(world):
    first = world.ask()
    world.clock.now += 31 * DAY

    second = world.ask()

    assert second != first
    assert world.ledger.load(first).voided
    world.say(second, "ben")
    assert world.say(second, "cleo") is Verdict.PROMOTED


def test_the_time_of_a_question_does_not_count(world):
    request_id = world.ask()
    world.clock.now += 20 * DAY
    world.gate.decide(request_id, "ben", Choice.ASK, "which slices?")

    world.clock.now += 20 * DAY
    world.gate.questions.answer(request_id, "ada", "all of them", 1)
    assert _verdict(world, request_id) is Verdict.PENDING

    world.clock.now += 11 * DAY
    assert _verdict(world, request_id) is Verdict.VOID


def test_a_broken_policy_ends_nothing(world):
    request_id = world.ask()
    world.clock.now += 31 * DAY
    world.rules.broken = Misconfigured("champion.yaml", "it is not YAML", "Correct it.")

    world.gate.expiry.sweep()

    assert not world.ledger.load(request_id).voided
    world.rules.broken = None
    world.gate.expiry.sweep()
    assert world.ledger.load(request_id).voided


def test_a_sweep_that_meets_another_writer_is_tried_again(world, caplog):
    request_id = world.ask()
    world.clock.now += 31 * DAY
    real, world.ledger.stored = world.ledger.stored, {request_id: world.ledger.load(request_id)}
    page = world.ledger.page
    world.ledger.page = lambda *about, **named: _then(page(*about, **named), world.ledger.stored.clear)

    world.gate.expiry.sweep()

    assert "could not all be ended" in caplog.text
    world.ledger.stored, world.ledger.page = real, page
    world.gate.expiry.sweep()
    assert world.ledger.load(request_id).voided


def _then(value, act):
    act()
    return value
