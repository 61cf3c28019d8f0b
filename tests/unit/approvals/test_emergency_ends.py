"""An emergency ends: two others confirm it, something else is promoted, or the gate reverts it by itself."""

import json
from datetime import timedelta

import pytest

from handrail.approvals.adapters.event_rows import event_body, event_from, kind_of
from handrail.approvals.domain.companions import make_svr_statement
from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as LIST_TYPE
from handrail.approvals.domain.revocations import RevocationList
from handrail.approvals.domain.subject import Purpose
from handrail.errors import Refused, Unavailable
from tests.fakes.approvals_emergency import break_glass, confirm, emergency_world, expire, permit_of
from tests.fakes.approvals_world import World, opening


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def world():
    return emergency_world()


def test_two_other_persons_confirm_it_and_the_permit_lasts(world):
    broken, confirmation = break_glass(world)

    assert confirm(world, confirmation, "ben", "cleo") == [Verdict.PENDING, Verdict.PROMOTED]
    permit = permit_of(world, confirmation)
    assert permit.terms.expires - world.clock.now > timedelta(days=300)
    assert permit.terms.counter == permit_of(world, broken).terms.counter + 1
    expire(world)
    assert world.champion() == 2


def test_two_persons_of_the_same_role_are_enough(world):
    assert confirm(world, break_glass(world)[1], "ben", "zed") == [Verdict.PENDING, Verdict.PROMOTED]


def test_whoever_broke_it_does_not_confirm_it(world):
    confirmation = break_glass(world, account="gina")[1]

    with pytest.raises(NotEligible, match="Gina asked"):
        confirm(world, confirmation, "gina")


def test_who_made_the_version_does_not_confirm_it(world):
    world.register(3, author="ben")

    with pytest.raises(NotEligible, match="Ben made"):
        confirm(world, break_glass(world, 3)[1], "ben")


def test_without_confirmation_the_gate_reverts_it_at_the_expiry(world):
    broken, confirmation = break_glass(world)
    confirm(world, confirmation, "ben")

    world.gate.glass.watch()
    assert world.champion() == 2
    expire(world)

    assert world.champion() == 1
    history = world.ledger.load(broken.history.request.request_id)
    assert (history.revoked.person, history.revoked.reason) == (
        "the gate",
        "Nobody confirmed it until its permit expired.",
    )
    revoked = RevocationList.from_payload(Envelope.from_json(world.shelf.revoked, LIST_TYPE).payload)
    assert revoked.of_request(history.request.request_id)
    back = next(each for each in world.ledger.find() if each.request.subject.purpose is Purpose.REVERT)
    permit = Permit.from_payload(Envelope.from_json(back.done.envelope).payload)
    assert (permit.version, permit.approvers, permit.terms.counter) == (1, ("Ben", "Cleo"), 3)
    statement = json.loads(Envelope.from_json(back.done.envelope).payload)["predicate"]
    assert (statement["purpose"], statement["about"]) == ("revert", history.request.request_id)
    view = world.gate.request(confirmation.history.request.request_id)
    assert view.judgement.verdict is Verdict.VOID


def test_watching_again_changes_nothing_more(world):
    break_glass(world)
    expire(world)
    before = [history.events for history in world.ledger.find()]

    world.gate.glass.watch()

    assert [history.events for history in world.ledger.find()] == before


def test_without_a_version_before_it_is_held_and_reported(world, caplog):
    other = World()
    other.rules = world.rules
    other.restart()
    break_glass(other, 1)
    caplog.clear()

    expire(other)
    expire(other)

    assert other.champion() == 1
    (broken,) = (each for each in other.ledger.find() if each.request.subject.purpose is Purpose.BREAK_GLASS)
    assert broken.revoked
    assert [record.message for record in caplog.records if "the alias pointed at nothing before" in record.message]


def test_a_version_before_it_whose_permit_was_taken_back_is_not_gone_back_to(world):
    break_glass(world)
    first = next(history for history in world.ledger.find() if history.request.subject.version == 1)
    world.gate.revoker.revoke(first.request.request_id, "ben", "leaks the label")

    expire(world)

    assert world.champion() == 2


def test_a_promotion_in_the_ordinary_way_ends_it_too(world):
    break_glass(world)
    world.register(3)
    world.promote(3)

    expire(world)

    assert world.champion() == 3


def test_a_rollback_ends_it_too(world):
    break_glass(world)
    back = world.gate.open_request(opening(1, evidence={}, purpose=Purpose.ROLLBACK), "ada")
    world.say(back.history.request.request_id, "ben")

    expire(world)

    assert world.champion() == 1
    assert not [each for each in world.ledger.find() if each.request.subject.purpose is Purpose.REVERT]


def test_breaking_it_again_neither_lengthens_it_nor_piles_up(world):
    broken, confirmation = break_glass(world)
    world.clock.now += timedelta(hours=20)

    again, same = break_glass(world)

    assert (again.history.request, same.history.request) == (broken.history.request, confirmation.history.request)
    world.register(3)
    with pytest.raises(Refused, match="waits for its confirmation"):
        break_glass(world, 3)


def test_what_was_promoted_in_an_emergency_alone_is_no_way_back(world):
    break_glass(world)
    world.register(3)
    world.promote(3)

    with pytest.raises(Refused, match="never promoted version 2"):
        world.gate.open_request(opening(2, evidence={}, purpose=Purpose.ROLLBACK), "ada")


@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
def test_a_kill_while_it_is_broken_is_taken_up_again(world, when):
    setattr(world.registry, when, Killed())
    with pytest.raises(Killed):
        break_glass(world)
    world.restart()

    world.gate.finish_moves()
    world.gate.glass.watch()

    assert world.champion() == 2
    purposes = [each.request.subject.purpose for each in world.ledger.find()]
    assert purposes == [None, Purpose.BREAK_GLASS, Purpose.CONFIRMATION]


@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
def test_a_kill_while_the_gate_reverts_is_taken_up_again(world, when):
    break_glass(world)
    setattr(world.registry, when, Killed())
    with pytest.raises(Killed):
        expire(world)
    world.restart()

    world.gate.finish_moves()
    world.gate.glass.watch()

    assert world.champion() == 1


def test_a_registry_that_does_not_answer_is_tried_again(world):
    break_glass(world)
    world.registry.fail_before = Unavailable("MLflow", "it is locked", "Repeat.")
    expire(world)
    assert world.champion() == 2

    world.gate.finish_moves()
    world.gate.glass.watch()

    assert world.champion() == 1


def test_the_word_of_the_gate_can_be_stored(world):
    break_glass(world)
    expire(world)
    back = next(each for each in world.ledger.find() if each.request.subject.purpose is Purpose.REVERT)

    assert event_from(kind_of(back.reverting), event_body(back.reverting)) == back.reverting


@pytest.mark.parametrize("account", ["ben", "dora"])
def test_no_person_can_let_the_gate_revert_before_it_is_time(world, account):
    broken, _ = break_glass(world)
    early = opening(1, evidence={}, purpose=Purpose.REVERT, about=broken.history.request.request_id)
    request_id = world.gate.open_request(early, "ada").history.request.request_id

    try:
        verdict = world.say(request_id, account)
    except NotEligible:
        verdict = None

    assert verdict is not Verdict.PROMOTED
    assert world.champion() == 2


def test_what_others_read_does_not_call_an_emergency_approved(world):
    permit = permit_of(world, break_glass(world)[0])

    assert make_svr_statement(permit)["predicate"]["properties"] == ["HANDRAIL_BREAK_GLASS"]


def test_the_time_of_each_version_names_who_let_it(world):
    break_glass(world)
    in_between = world.clock.now
    expire(world)

    said = [world.gate.records.at("flights", "champion", at).to_json() for at in (in_between, world.clock.now)]

    assert [row["purpose"] for row in said] == ["break-glass", "revert"]
    assert [[who["person"] for who in row["approvers"]] for row in said] == [["Dora"], ["Ben", "Cleo"]]
