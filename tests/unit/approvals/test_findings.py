"""While a finding is open, the gate is shut for what it is about, and only the right persons close it."""

import pytest

from handrail.approvals.domain.errors import NotAsShown, NotEligible
from handrail.approvals.domain.events import Choice, MoveAbandoned
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person, Service
from handrail.approvals.service import Report
from handrail.approvals.service.findings import MOST_OPEN
from handrail.errors import InvalidInput, Refused, UnknownReference
from tests.fakes.approvals import PEOPLE, FakeRegistry
from tests.fakes.approvals_world import World

DRIFT = Report("flights", "drift in the weather", Severity.HIGH)
ZED = Person("Zed", frozenset({"zed"}), frozenset({"ml-engineer", "business-stakeholder"}))


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*PEOPLE, ZED)
    world.rules.services = (Service("monitoring", frozenset({"monitor"}), "Ben"),)
    return world


def _open(world, account="monitor", **changes):
    report = Report(**{"model": "flights", "text": "drift", "severity": Severity.LOW} | changes)
    return world.gate.findings.open(report, account).opened.finding_id


@pytest.mark.parametrize(
    "about", [{}, {"version": "1"}, {"alias": "Champion"}, {"version": "01", "alias": "champion"}], ids=str
)
def test_an_open_finding_shuts_the_gate_for_what_it_is_about(world, about):
    finding_id = _open(world, **about)
    request_id = world.ask()
    world.say(request_id, "ben")

    view = world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

    assert view.judgement.verdict is Verdict.PENDING
    assert finding_id in view.judgement.reasons[0]
    assert world.champion() is None


@pytest.mark.parametrize("about", [{"model": "orders"}, {"version": "2"}, {"alias": "shadow"}], ids=str)
def test_a_finding_about_something_else_leaves_it_open(world, about):
    world.register(2)
    _open(world, **about)

    world.promote(1)

    assert world.champion() == 1


def test_closing_opens_the_gate_and_the_next_decision_moves(world):
    finding_id = _open(world)
    request_id = world.ask()
    world.say(request_id, "ben")
    world.say(request_id, "cleo")

    world.gate.findings.close(finding_id, "zed", "the weather is back")

    assert world.champion() is None
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_one_that_is_opened_while_the_alias_is_about_to_move_keeps_it(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    real, world.registry.fail_reading = world.ledger.append, None

    def append(history, event):
        longer = real(history, event)
        if type(event).__name__ == "MoveIntended":
            _open(world)
        return longer

    world.ledger.append = append
    view = world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

    assert view.judgement.verdict is Verdict.PENDING
    assert isinstance(view.history.events[-1], MoveAbandoned)
    assert world.champion() is None
    assert not world.ledger.moving


def test_an_interrupted_move_is_not_finished_while_one_is_open(world):
    class Killed(BaseException):
        pass

    request_id = world.ask()
    world.say(request_id, "ben")
    world.registry.fail_before = Killed()
    with pytest.raises(Killed):
        world.say(request_id, "cleo")
    finding_id = _open(world)
    world.restart()

    (sentence,) = world.gate.finish_moves()

    assert "was abandoned: the gate is shut" in sentence
    assert world.champion() is None
    world.gate.findings.close(finding_id, "zed", "settled")
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_a_move_that_the_registry_has_made_is_finished_though_one_is_open(world):
    class Killed(BaseException):
        pass

    request_id = world.ask()
    world.say(request_id, "ben")
    world.registry.fail_after = Killed()
    with pytest.raises(Killed):
        world.say(request_id, "cleo")
    _open(world)
    world.restart()

    world.gate.finish_moves()

    assert world.ledger.load(request_id).done


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("monitor", "services open findings and close none"),
        ("ada", "holds none of the roles that decide about 'champion'"),
        ("root", "belongs to no person"),
        ("ZED", "belongs to no person"),
    ],
)
def test_who_may_not_close(world, account, why):
    finding_id = _open(world)
    world.ask()

    with pytest.raises(NotEligible, match=why):
        world.gate.findings.close(finding_id, account, "fine")

    assert world.gate.findings.found(finding_id).is_open


def test_whoever_made_what_it_shuts_out_does_not_close_it(world):
    world.rules.persons = (Person("Ada", frozenset({"ada"}), ZED.roles), *PEOPLE[1:])
    finding_id = _open(world)
    world.ask()

    with pytest.raises(NotEligible, match="Ada made or asked for"):
        world.gate.findings.close(finding_id, "ada", "fine")


def test_whoever_made_what_is_served_does_not_close_it(world):
    world.rules.persons = (Person("Ada", frozenset({"ada"}), ZED.roles), *PEOPLE[1:])
    world.promote()
    finding_id = _open(world, version="1")

    with pytest.raises(NotEligible, match="Ada made or asked for"):
        world.gate.findings.close(finding_id, "ada", "fine")


def test_whoever_opened_it_may_close_it(world):
    world.ask()
    finding_id = _open(world, "zed")

    assert not world.gate.findings.close(finding_id, "zed", "seen wrongly").is_open


def test_nobody_closes_what_no_policy_is_known_for(world):
    finding_id = _open(world)

    with pytest.raises(NotEligible, match="No promotion of 'flights' was asked for yet"):
        world.gate.findings.close(finding_id, "zed", "fine")


def test_an_account_of_nobody_opens_none(world):
    with pytest.raises(NotEligible, match="belongs to nobody"):
        _open(world, "root")


def test_the_same_again_is_the_same_finding_and_closing_again_changes_nothing(world):
    world.ask()
    finding_id = _open(world, "zed")

    assert _open(world, "zed") == finding_id
    world.gate.findings.close(finding_id, "zed", "one")
    assert world.gate.findings.close(finding_id, "zed", "two").closed.reason == "one"
    assert _open(world, "zed") != finding_id


def test_an_account_has_so_many_open_and_no_more(world):
    for number in range(MOST_OPEN):
        _open(world, text=f"drift {number}")

    with pytest.raises(Refused, match=f"has {MOST_OPEN} findings"):
        _open(world, text="one more")
    assert _open(world, text="drift 0")


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"version": "9"}, UnknownReference), ({"text": "a\nb"}, InvalidInput), ({"text": ""}, InvalidInput)],
    ids=["version", "line break", "empty"],
)
def test_what_cannot_be_used_opens_none(world, changes, error):
    with pytest.raises(error):
        _open(world, **changes)

    assert world.gate.findings.listed() == ()


def test_one_that_was_opened_after_the_look_is_said(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    finding_id = _open(world)
    world.gate.findings.close(finding_id, "zed", "gone again")

    with pytest.raises(NotAsShown) as caught:
        world.gate.decide(request_id, "ben", Choice.APPROVE, "fine", seen=seen)

    assert caught.value.changes == (
        f"monitoring opened the finding {finding_id}: 'drift'.",
        f"Zed closed the finding {finding_id}: 'gone again'.",
    )


def test_a_registry_without_the_model_says_so():
    world = World(registry=FakeRegistry())

    assert world.gate.findings.listed("nothing") == ()
