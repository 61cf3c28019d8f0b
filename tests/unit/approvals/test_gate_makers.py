import hashlib

import pytest

from handrail.approvals.domain.errors import Closed, NotEligible
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person, Service
from tests.fakes.approvals import EVIDENCE, PEOPLE
from tests.fakes.approvals_world import World, opening

BEN_2 = Person("Ben", frozenset({"ben", "ben-2"}), frozenset({"ml-engineer", "data-engineer"}))


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(
    "persons",
    [
        (PEOPLE[0], PEOPLE[2]),
        (PEOPLE[0], Person("Bob", frozenset({"ben"}), frozenset({"ml-engineer"})), PEOPLE[2]),
        (*PEOPLE, Person("Ada's other", frozenset({"ada-2"}), frozenset({"business-stakeholder"}))),
        (Person("Ada", frozenset({"ada", "ada-2"}), frozenset()), *PEOPLE[1:]),
    ],
    ids=["one left", "one was replaced", "one came", "the author has another account"],
)
def test_another_directory_of_those_concerned_ends_what_was_decided_by_the_former(world, persons):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.rules.persons = persons

    assert world.gate.request(request_id).judgement.verdict is Verdict.VOID
    with pytest.raises(Closed, match="ask again"):
        world.say(request_id, "cleo")
    assert world.champion() is None
    assert world.ask() != request_id


@pytest.mark.parametrize(
    "persons",
    [
        (*PEOPLE, Person("Dora", frozenset({"dora"}), frozenset({"data-engineer"}))),
        (PEOPLE[0], BEN_2, PEOPLE[2]),
        tuple(reversed(PEOPLE)),
    ],
    ids=["a person who does not decide here", "a role that does not decide here", "another order"],
)
def test_a_change_that_concerns_nobody_here_leaves_a_request_as_it_is(world, persons):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.rules.persons = persons

    assert world.ask() == request_id
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


@pytest.mark.parametrize("account", ["pipeline", "PIPELINE"])
def test_the_owner_of_a_service_counts_as_its_hand(world, account):
    world.rules.services = (Service("training", frozenset({"pipeline"}), "Ben"),)
    world.register(2, author=account)
    request_id = world.gate.open_request(opening(2), "ada").history.request.request_id

    with pytest.raises((NotEligible, Closed)) as refused:
        world.say(request_id, "ben")
    assert account == "PIPELINE" or "Ben made the candidate through a service that they own" in str(refused.value)


def test_a_service_never_decides_even_if_its_owner_could(world):
    world.rules.services = (Service("training", frozenset({"pipeline"}), "Ben"),)
    request_id = world.ask()

    with pytest.raises(NotEligible, match="services never decide"):
        world.say(request_id, "pipeline")
    assert world.say(request_id, "ben") is Verdict.PENDING


def test_a_part_without_a_known_maker_is_named(world):
    candidate = world.register(2)
    world.provenance.rows -= {("run", "run-2", "ada"), ("path", f"{candidate.tree}/onnx", "ada")}

    view = world.gate.open_request(opening(2), "ada")

    assert view.judgement.verdict is Verdict.REFUSED
    assert view.judgement.reasons[0].startswith(
        "Nobody is recorded as the maker of the files in 'onnx', the run run-2; log the model again"
    )


def test_the_first_to_upload_the_bytes_cannot_approve_what_another_registered(world):
    world.register(2)
    world.provenance.record_upload(_sha256(world, 2, "onnx/model.onnx"), "ben")
    request_id = world.ask(version="2")

    with pytest.raises(NotEligible, match="Ben made the candidate"):
        world.say(request_id, "ben")


def test_bytes_that_were_allowed_for_this_alias_make_nobody_an_author(world):
    world.trees.content[world.register(2).tree]["shared.json"] = b"features"
    world.trees.content["/artifacts/1/1/model"]["shared.json"] = b"features"
    world.provenance.record_upload(_sha256(world, 2, "shared.json"), "ben")
    world.rules.persons = (*PEOPLE, Person("Bo", frozenset({"bo"}), frozenset({"ml-engineer"})))
    first = world.ask()
    for account in ("bo", "cleo"):
        world.say(first, account)

    request_id = world.ask(version="2", evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})

    assert world.say(request_id, "ben") is Verdict.PENDING


def _sha256(world, version, path):
    return hashlib.sha256(world.trees.content[f"/artifacts/1/{version}/model"][path]).hexdigest()
