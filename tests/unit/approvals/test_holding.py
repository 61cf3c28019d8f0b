"""From when to when what was promoted is held, and what is compared under the hold."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.approvals.domain.errors import Closed, Protected, StillReading
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.holding import Promotion, why_released
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.standing import Promoted
from handrail.approvals.service import Report
from handrail.approvals.service.standing import StandingWatch
from handrail.errors import Unavailable
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World, opening

TREE = "/artifacts/1/1/model"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def world():
    return World()


def _asked(world):
    """Ask, and let one of two approve."""
    request_id = world.ask()
    world.say(request_id, "ben")
    return request_id


def _refused(world):
    world.ask(evidence={})


def _rejected(world):
    world.say(world.ask(), "ben", Choice.REJECT)


def _void(world):
    request_id = _asked(world)
    world.trees.content[TREE]["MLmodel"] = b"other"
    with pytest.raises(Closed):
        world.say(request_id, "cleo")


@pytest.mark.parametrize(
    "outcome", [World.ask, _refused, _rejected, _void], ids=["open", "refused", "rejected", "void"]
)
def test_whoever_made_a_version_that_was_not_promoted_can_change_and_delete_it(world, outcome):
    outcome(world)

    assert world.holds.holders() == frozenset()
    world.guard.write(f"{TREE}/MLmodel")
    for kind, key in (("version", "flights/1"), ("model", "flights"), ("run", "run-1"), ("experiment", "1")):
        world.guard.removal(kind, key)


@pytest.mark.parametrize("path", ["MLmodel", "onnx/model.onnx", ".git/hook"])
def test_files_that_were_swapped_after_the_copy_are_not_promoted(world, path):
    request_id = _asked(world)
    world.trees.content[TREE][path] = b"swapped"

    with pytest.raises(Closed, match="the files of the version") as caught:
        world.say(request_id, "cleo")

    assert caught.value.verdict == "void"
    assert world.champion() is None
    assert not world.ledger.permits
    assert not world.ledger.moving


def test_files_that_were_swapped_and_are_as_approved_again_are_what_was_approved(world):
    request_id = _asked(world)
    good = world.trees.content[TREE]["MLmodel"]
    world.trees.content[TREE]["MLmodel"] = b"swapped"
    world.trees.content[TREE]["MLmodel"] = good

    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_what_cannot_be_approved_any_more_is_not_promoted(world):
    request_id = _asked(world)
    world.trees.content[TREE][".artifact.uploading.x"] = b"half"

    with pytest.raises(Closed, match="an upload that has not ended"):
        world.say(request_id, "cleo")
    assert world.champion() is None


def test_a_version_that_was_made_again_while_it_was_being_held_is_not_promoted(world):
    request_id = _asked(world)
    hold = world.holds.hold
    world.holds.hold = lambda candidate, holder: (hold(candidate, holder), world.register(1, created=777))

    with pytest.raises(Unavailable, match="it changed at this moment"):
        world.say(request_id, "cleo")
    world.holds.hold = hold
    with pytest.raises(Closed, match="made again"):
        world.say(request_id, "cleo")

    assert world.champion() is None
    assert world.holds.holders() == frozenset()


def test_an_approver_who_has_become_a_maker_since_does_not_count(world):
    request_id = _asked(world)
    world.provenance.record("path", f"{TREE}/onnx", "ben-2")

    with pytest.raises(Closed, match=r"'ben-2' became makers.*still needs the approval of 1 ml-engineer"):
        world.say(request_id, "cleo")
    assert world.champion() is None


def test_a_maker_who_has_come_since_and_belongs_to_nobody_stops_the_move(world):
    request_id = _asked(world)
    world.provenance.record("path", f"{TREE}/onnx", "who")

    with pytest.raises(Closed, match="'who' made or asked for this and belongs to nobody"):
        world.say(request_id, "cleo")


def test_a_move_that_was_abandoned_is_held_and_compared_anew_when_it_is_intended_again(world):
    request_id = _asked(world)
    world.readings.is_slow = True
    with pytest.raises(StillReading):
        world.say(request_id, "cleo")
    finding = world.gate.findings.open(Report("flights", "drift", Severity.HIGH), "cleo").opened.finding_id
    (sentence,) = world.gate.finish_moves()
    assert "was abandoned" in sentence
    assert world.holds.holders() == frozenset()
    world.guard.write(f"{TREE}/MLmodel")

    world.gate.findings.close(finding, "ben", "settled")
    with pytest.raises(StillReading):
        world.say(request_id, "cleo")
    comparing = [work for work in world.readings.under_way if work.startswith("compare")]
    world.readings.is_slow = False

    assert len(comparing) == 2
    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    assert world.holds.holders() == {f"{request_id}-2"}
    assert world.holding.tend() == ()
    with pytest.raises(Protected):
        world.guard.write(f"{TREE}/MLmodel")


def test_another_maker_who_did_not_approve_changes_nothing(world):
    request_id = _asked(world)
    world.provenance.record("path", f"{TREE}/onnx", "ada")

    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_a_change_that_was_allowed_before_the_hold_ends_before_the_files_are_compared(world):
    request_id = _asked(world)
    allowed, goes_on = threading.Event(), threading.Event()
    hold = world.holds.hold
    world.holds.hold = lambda candidate, holder: (hold(candidate, holder), goes_on.set())

    def upload():
        with world.guard.changing():
            world.guard.write(f"{TREE}/MLmodel")
            allowed.set()
            goes_on.wait(10)
            world.trees.content[TREE]["MLmodel"] = b"late"

    writer = threading.Thread(target=upload)
    writer.start()
    allowed.wait(10)
    with pytest.raises(Closed, match="the files of the version"):
        world.say(request_id, "cleo")
    writer.join(10)

    assert world.champion() is None


def test_a_promoted_version_is_held_by_its_request(world):
    request_id = world.promote()

    assert world.holds.holders() == {f"{request_id}-1"}
    with pytest.raises(Protected):
        world.guard.write(f"{TREE}/MLmodel")


PROMOTED = Promoted("flights", 1, "champion", 1, "pr-1")
ENDED = Promotion(PROMOTED, "pr-1-1", NOW - MONTH, NOW, is_revoked=False)


@pytest.mark.parametrize(
    ("promotion", "released"),
    [
        (ENDED, True),
        (replace(ENDED, superseded_at=None), False),
        (replace(ENDED, superseded_at=None, is_revoked=True), False),
        (replace(ENDED, superseded_at=NOW - MONTH + timedelta(seconds=1)), False),
        (replace(ENDED, expires=NOW + timedelta(seconds=1)), False),
        (replace(ENDED, expires=None), True),
        (replace(ENDED, superseded_at=NOW, expires=NOW + MONTH, is_revoked=True), True),
    ],
    ids=["ended", "champion", "champion, revoked", "recent", "permit valid", "permit of 0.1.0", "revoked"],
)
def test_the_rule_of_release(promotion, released):
    assert bool(why_released(promotion, NOW, MONTH)) is released


def test_a_superseded_version_is_released_once_its_permit_has_expired(world):
    first = world.promote()
    world.register(2)
    second = world.promote(2)

    assert world.holding.tend() == ()
    world.clock.now += timedelta(days=366)
    (sentence,) = world.holding.tend()

    assert first in sentence
    assert world.holds.holders() == {f"{second}-1"}
    world.guard.removal("version", "flights/1")
    with pytest.raises(Protected):
        world.guard.removal("version", "flights/2")
    with pytest.raises(Protected):
        world.guard.removal("model", "flights")


def test_a_superseded_version_is_released_when_its_permit_is_taken_back(world):
    first = world.promote()
    world.gate.revoker.revoke(first, "ben", "leaks the label")
    assert world.holding.tend() == ()

    world.register(2)
    world.promote(2)

    assert len(world.holding.tend()) == 1
    world.guard.removal("run", "run-1")


def test_what_an_interrupted_move_holds_stays_and_what_was_given_up_is_released(world):
    request_id = _asked(world)
    world.registry.fail_before = Unavailable("The registry", "its disk is full", "Free it.")
    with pytest.raises(Unavailable):
        world.say(request_id, "cleo")

    assert world.holding.tend() == ()
    assert world.holds.holders() == {f"{request_id}-1"}

    world.holds.hold(world.registry.candidate("flights", "1"), "pr-gone")
    assert ["pr-gone" in sentence for sentence in world.holding.tend()] == [True]
    assert world.holds.holders() == {f"{request_id}-1"}


def test_what_an_older_release_held_is_held_by_promotions_alone(world):
    request_id = world.promote()
    world.register(2)
    world.holds.things.clear()
    for version in ("1", "2"):
        world.holds.hold(world.registry.candidate("flights", version), "")

    (sentence,) = world.holding.tend()

    assert "an older release" in sentence
    assert world.holds.holders() == {f"{request_id}-1"}
    world.guard.removal("version", "flights/2")


def test_a_version_around_the_gate_is_held_as_long_as_the_alias_points_at_it(world):
    watch = StandingWatch(world.holding)
    world.register(2)
    for _ in range(2):
        world.registry.aliases["flights", "champion"] = 2
        watch.report()
        watch.report()
        with pytest.raises(Protected):
            world.guard.removal("version", "flights/2")
        assert len(world.holds.holders()) == 1

        del world.registry.aliases["flights", "champion"]
        watch.report()
        world.guard.removal("version", "flights/2")


def test_the_incumbent_is_compared_with_as_it_was_promoted(world):
    champion = world.ledger.load(world.promote()).request.subject.tree_digest
    world.register(2)
    world.trees.content[TREE]["MLmodel"] = b"changed by force"

    view = world.gate.open_request(opening(2, evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}}), "ada")

    assert view.history.request.incumbent_tree == champion
