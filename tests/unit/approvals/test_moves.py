import pytest

from handrail.approvals.domain.errors import Closed, MovedMeanwhile
from handrail.approvals.domain.events import Choice, MoveAbandoned, MoveDone, MoveIntended, Published, Voided
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.service import Report
from handrail.errors import Unavailable
from tests.fakes.approvals_world import World, opening


class Killed(BaseException):
    """The process ends here: nothing after it runs."""


@pytest.fixture
def world():
    return World()


def _approved_by_one(world):
    request_id = world.gate.open_request(opening(), "ada").history.request.request_id
    world.gate.decide(request_id, "ben", Choice.APPROVE, "fine")
    return request_id


def _kill_before_commit(world):
    world.registry.fail_before = Killed()


def _kill_after_commit(world):
    world.registry.fail_after = Killed()


def _kill_before_shelf(world):
    world.shelf.fail_with = Killed()


@pytest.mark.parametrize("kill", [_kill_before_commit, _kill_after_commit, _kill_before_shelf])
def test_a_move_that_was_killed_is_finished_at_start_up(world, kill):
    request_id = _approved_by_one(world)
    kill(world)
    with pytest.raises(Killed):
        world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

    world.restart()
    reports = world.gate.finish_moves()

    assert len(reports) == 1
    assert world.registry.incumbent("flights", "champion") == 1
    assert world.gate.records.request(request_id).judgement.verdict is Verdict.PROMOTED
    assert len(world.ledger.permits) == 1
    assert len(world.shelf.permits) == len(world.journal.promotions) == 1
    assert world.ledger.moving == {}
    assert world.gate.finish_moves() == ()


def test_a_finished_move_has_the_permit_that_was_intended(world):
    request_id = _approved_by_one(world)
    world.registry.fail_after = Killed()
    with pytest.raises(Killed):
        world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")
    intended = world.ledger.load(request_id).open_move.at

    world.gate.finish_moves()

    permit, _ = world.journal.promotions[request_id]
    assert permit.issued == intended.isoformat()
    assert permit.approvers == ("Ben", "Cleo")


def test_an_interrupted_move_is_given_up_when_something_bound_changed(world):
    request_id = _approved_by_one(world)
    world.registry.fail_before = Killed()
    with pytest.raises(Killed):
        world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")
    world.trees.content["/artifacts/1/1/model"]["MLmodel"] = b"other"

    (report,) = world.gate.finish_moves()

    assert "abandoned" in report
    assert world.registry.incumbent("flights", "champion") is None
    assert world.ledger.permits == []
    assert world.ledger.moving == {}
    kinds = [type(event) for event in world.ledger.load(request_id).events[-3:]]
    assert kinds == [MoveIntended, MoveAbandoned, Voided]


def test_an_alias_that_moved_in_between_is_left_alone(world):
    request_id = _approved_by_one(world)
    open_move = world.ledger.append

    def moved_meanwhile(history, event):
        if isinstance(event, MoveIntended):
            world.registry.aliases["flights", "champion"] = 5
        return open_move(history, event)

    world.ledger.append = moved_meanwhile
    world.restart()
    with pytest.raises(Closed, match="moved while this was being decided"):
        world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

    assert world.registry.incumbent("flights", "champion") == 5
    assert world.ledger.permits == []


def test_a_permit_that_could_not_be_published_stays_signed_and_is_published_later(world, caplog):
    request_id = _approved_by_one(world)
    world.shelf.fail_with = Unavailable("permits/x.json", "the disk is full", "Free the disk.")

    view = world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

    assert view.judgement.verdict is Verdict.PROMOTED
    assert "the disk is full" in caplog.text
    assert isinstance(view.history.events[-1], MoveDone)
    world.gate.finish_moves()
    assert isinstance(world.ledger.load(request_id).events[-1], Published)
    assert len(world.shelf.permits) == 1


def _interrupted(world):
    """A move whose intent is open, as a second thread has read it that takes it up."""
    request_id = _approved_by_one(world)
    world.registry.fail_before = Unavailable("The registry", "it is locked", "Repeat it.")
    with pytest.raises(Unavailable):
        world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")
    return world.ledger.load(request_id)


def test_who_took_up_a_move_that_another_finished_does_not_move_the_alias_back(world):
    late = _interrupted(world)
    assert world.say(late.request.request_id, "cleo") is Verdict.PROMOTED
    world.register(2)
    world.promote(2)

    with pytest.raises(MovedMeanwhile):
        world.mover.move(late, ())

    assert world.champion() == 2


def test_who_took_up_a_move_that_another_abandoned_does_not_move_the_alias(world):
    late = _interrupted(world)
    finding = world.gate.findings.open(Report("flights", "drift", Severity.LOW, alias="champion"), "cleo")
    assert "abandoned" in world.gate.finish_moves()[0]
    world.gate.findings.close(finding.opened.finding_id, "ben", "repaired")

    with pytest.raises(MovedMeanwhile):
        world.mover.move(late, ())

    assert world.champion() is None


def test_a_move_that_another_has_made_and_not_stored_yet_is_not_abandoned(world):
    late = _interrupted(world)
    world.gate.findings.open(Report("flights", "drift", Severity.LOW, alias="champion"), "cleo")
    looks = iter([None, 1])
    world.registry.incumbent = lambda *_: next(looks, 1)

    with pytest.raises(MovedMeanwhile):
        world.mover.move(late, ())

    assert world.ledger.load(late.request.request_id).open_move
