import pytest

from handrail.approvals.domain.events import Choice
from handrail.errors import UnknownReference
from handrail.refs import Use
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World, opening


@pytest.fixture
def world():
    return World()


def test_a_request_is_read_with_its_decisions_and_verdict(world):
    request_id = world.gate.open_request(opening(), "ada").history.request.request_id
    world.gate.decide(request_id, "ben", Choice.APPROVE, "checked the slices")

    row = world.gate.records.request(request_id).to_json()

    assert row["verdict"] == "pending"
    assert row["reasons"] == ["It still needs the approval of 1 business-stakeholder."]
    (decision,) = row["decisions"]
    assert (decision["person"], decision["decision"], decision["counts"]) == ("Ben", "approve", True)
    assert world.gate.records.evidence(request_id) == EVIDENCE


def test_only_open_requests_are_listed_when_asked_for(world):
    world.register(2)
    first = world.gate.open_request(opening(1), "ada").history.request.request_id
    second = world.gate.open_request(opening(2), "ada").history.request.request_id
    world.gate.decide(first, "ben", Choice.REJECT, "too early")

    assert [view.history.request.request_id for view in world.gate.records.requests()] == [first, second]
    assert [view.history.request.request_id for view in world.gate.records.requests(only_open=True)] == [second]
    assert world.gate.records.requests("challenger") == []


def test_what_was_never_asked_or_allowed_is_unknown(world):
    with pytest.raises(UnknownReference, match="pr-0"):
        world.gate.records.request("pr-0")
    with pytest.raises(UnknownReference, match="sha256:0"):
        world.gate.records.permit(Use("local-1", "flights", "champion", "local"), "sha256:0")


def test_the_person_behind_an_account_is_whoever_has_exactly_it():
    records = World().gate.records

    assert [records.person(account) for account in ("ben-2", "BEN", "nobody")] == ["Ben", None, None]
