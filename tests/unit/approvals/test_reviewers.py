"""Who decides about a request, as its page says it: places, who filled them, who could, who never counts, and why."""

import pytest

from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.people import Person, Service
from handrail.approvals.domain.quorum import missing_roles, seats
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service.reviewers import Reviewing
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_world import World, opening

ZED = Person("Zed", frozenset({"zed"}), frozenset({"ml-engineer"}))
ADA_WITH_A_ROLE = Person("Ada", frozenset({"ada"}), frozenset({"ml-engineer"}))


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*PEOPLE, ZED)
    return world


def _seen_by(world, request_id, account):
    return Reviewing(world.rules).of(world.gate.request(request_id), account)


def _roles(reviewers):
    return {place.role: ([each.person for each in place.given], place.could) for place in reviewers.steps[0]}


def test_a_fresh_request_names_who_could_fill_each_place(world):
    reviewers = _seen_by(world, world.ask(), "cleo")

    assert _roles(reviewers) == {"business-stakeholder": ([], ("Cleo",)), "ml-engineer": ([], ("Ben", "Zed"))}
    assert (reviewers.me, reviewers.roles, reviewers.missing) == ("Cleo", ("business-stakeholder",), 2)
    assert reviewers.may_decide
    assert reviewers.refusals == {}


def test_who_approved_fills_a_place_and_is_not_named_again(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    reviewers = _seen_by(world, request_id, "cleo")

    assert _roles(reviewers) == {"business-stakeholder": ([], ("Cleo",)), "ml-engineer": (["Ben"], ("Zed",))}
    assert reviewers.missing == 1


def test_a_maker_with_a_role_never_counts_and_reads_why(world):
    world.rules.persons = (*(person for person in PEOPLE if person.name != "Ada"), ADA_WITH_A_ROLE)
    reviewers = _seen_by(world, world.ask(), "ada")

    assert [name for name, _ in reviewers.never] == ["Ada"]
    assert reviewers.is_maker
    assert not reviewers.may_decide
    assert "Ada" not in {name for place in reviewers.steps[0] for name in place.could}
    assert reviewers.refusals[Choice.APPROVE] == reviewers.never[0][1]


def test_an_account_of_nobody_may_give_no_answer(world):
    reviewers = _seen_by(world, world.ask(), "handrail-admin")

    assert reviewers.me is None
    assert set(reviewers.refusals) == set(Choice)


def test_after_the_end_no_answer_is_possible_and_who_gave_theirs_is_still_named(world):
    request_id = world.promote()

    reviewers = _seen_by(world, request_id, "zed")

    assert set(reviewers.refusals.values()) == {"The request is promoted."}
    assert [each.person for place in reviewers.steps[0] for each in place.given] == ["Cleo", "Ben"]


def test_in_a_later_step_nobody_is_counted_twice(world):
    world.change_rules(quorum={"ml-engineer": 1}, later=({"ml-engineer": 1, "business-stakeholder": 1},))
    request_id = world.ask()
    world.say(request_id, "ben")
    world.say(request_id, "cleo")

    reviewers = _seen_by(world, request_id, "zed")

    given = [[(place.role, [each.person for each in place.given]) for place in step] for step in reviewers.steps]
    assert given == [[("ml-engineer", ["Ben"])], [("business-stakeholder", ["Cleo"]), ("ml-engineer", [])]]
    assert reviewers.step == 1


def test_a_rollback_has_one_place_for_whichever_role(world):
    world.promote(1)
    world.register(2)
    world.promote(2)
    asked = opening(1, evidence={}, purpose=Purpose.ROLLBACK)
    request_id = world.gate.open_request(asked, "ada").history.request.request_id

    (place,) = _seen_by(world, request_id, "cleo").steps[0]

    assert (place.role, place.needed) == ("business-stakeholder or ml-engineer", 1)
    assert place.could == ("Ben", "Cleo", "Zed")


def test_seats_and_what_is_missing_are_the_two_sides_of_one_matching():
    both = Person("Both", frozenset({"both"}), frozenset({"ml-engineer", "business-stakeholder"}))
    quorum = {"ml-engineer": 1, "business-stakeholder": 1}

    assert seats(quorum, [both, ZED]) == {"ml-engineer": ("Zed",), "business-stakeholder": ("Both",)}
    assert missing_roles(quorum, [both]) == {"ml-engineer": 1}
    assert missing_roles({}, [both]) == {"anyone": 1}


def test_an_account_is_named_by_its_person_or_service_with_the_account_beside_it(world):
    world.rules.services = (Service("trainer", frozenset({"svc"}), "Ada"),)
    named = Reviewing(world.rules).names()

    assert [named(account) for account in ("ben-2", "svc", "BEN", "")] == [
        "Ben (ben-2)",
        "trainer (svc) for Ada",
        "BEN",
        "",
    ]


def test_where_the_roles_cannot_be_read_an_account_stands_alone(world):
    world.rules.persons = (*PEOPLE, Person("Other", frozenset({"ben"}), frozenset()))

    assert Reviewing(world.rules).names()("ben") == "ben"
