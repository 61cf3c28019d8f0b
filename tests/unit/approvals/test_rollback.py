"""Back to a version that the gate promoted before: one approval, a new permit, and nothing that was taken back."""

import json
from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import Closed, NotEligible
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.rights import Rights
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service import Report
from handrail.errors import Refused
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_world import World, opening

DORA = Person("Dora", frozenset({"dora"}), frozenset({"devops-engineer"}))


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*PEOPLE, DORA)
    world.promote(1)
    world.register(2)
    world.promote(2)
    return world


def _back(world, version=1, account="ada"):
    return world.gate.open_request(opening(version, evidence={}, purpose=Purpose.ROLLBACK), account)


def _id(view):
    return view.history.request.request_id


def test_one_approval_moves_the_alias_back(world):
    request_id = _id(_back(world))

    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    assert world.champion() == 1


def test_the_new_permit_has_a_higher_counter_and_says_that_it_is_a_rollback(world):
    request_id = _id(_back(world))
    world.say(request_id, "cleo")

    payload = Envelope.from_json(world.ledger.load(request_id).done.envelope).payload

    assert Permit.from_payload(payload).terms.counter == 3
    assert Permit.from_payload(payload).approvers == ("Cleo",)
    assert json.loads(payload)["predicate"]["purpose"] == "rollback"


def test_the_policy_names_the_roles_that_roll_back(world):
    world.change_rules(rights=Rights(roll_back=frozenset({"devops-engineer"})))
    request_id = _id(_back(world))

    with pytest.raises(NotEligible, match="devops-engineer"):
        world.say(request_id, "cleo")
    assert world.say(request_id, "dora") is Verdict.PROMOTED


@pytest.mark.parametrize("account", ["ada", "dora", "root"])
def test_who_asks_and_who_has_no_role_do_not_approve_it(world, account):
    with pytest.raises(NotEligible):
        world.say(_id(_back(world)), account)

    assert world.champion() == 2


def test_a_version_that_was_never_promoted_is_no_way_back(world):
    world.register(3)

    with pytest.raises(Refused, match="never promoted version 3"):
        _back(world, 3)


def test_a_permit_that_was_taken_back_is_no_way_back(world):
    first = next(history for history in world.ledger.find() if history.request.subject.version == 1)
    world.gate.revoker.revoke(first.request.request_id, "ben", "leaks the label")

    with pytest.raises(Refused, match="Ben took its permit back .*'leaks the label'"):
        _back(world)


def test_a_permit_that_is_taken_back_meanwhile_ends_the_rollback(world):
    request_id = _id(_back(world))
    first = next(history for history in world.ledger.find() if history.request.subject.version == 1)
    world.gate.revoker.revoke(first.request.request_id, "ben", "leaks the label")

    with pytest.raises(Closed, match="took its permit back"):
        world.say(request_id, "cleo")
    assert world.champion() == 2


def test_other_files_than_those_that_were_approved_are_no_way_back(world):
    world.trees.content["/artifacts/1/1/model"]["onnx/model.onnx"] = b"other weights"

    with pytest.raises(Refused, match="not those that"):
        _back(world)


def test_files_that_change_meanwhile_end_the_rollback(world):
    request_id = _id(_back(world))
    world.trees.content["/artifacts/1/1/model"]["onnx/model.onnx"] = b"other weights"

    with pytest.raises(Closed):
        world.say(request_id, "cleo")
    assert world.champion() == 2


def test_a_version_made_again_under_the_same_number_is_no_way_back(world):
    world.registry.versions["flights", 1] = replace(world.registry.versions["flights", 1], created=999)

    with pytest.raises(Refused, match="never promoted"):
        _back(world)


def test_a_format_that_runs_code_is_refused_also_on_the_way_back(world):
    world.trees.content["/artifacts/1/1/model"]["a.pkl"] = b"\x80\x04"
    history = next(history for history in world.ledger.find() if history.request.subject.version == 1)
    manifest = world.trees.manifest("/artifacts/1/1/model")
    subject = replace(history.request.subject, tree_digest=manifest.digest)
    changed = replace(history, request=replace(history.request, subject=subject, manifest=manifest))
    world.ledger.stored[history.request.request_id] = changed

    assert _back(world).judgement.verdict is Verdict.REFUSED


def test_a_rejection_ends_it(world):
    request_id = _id(_back(world))

    assert world.say(request_id, "ben", Choice.REJECT) is Verdict.REJECTED


def test_a_finding_about_what_is_served_leaves_the_way_back_open(world):
    world.gate.findings.open(Report("flights", "it fails", Severity.HIGH), "ben")

    assert world.say(_id(_back(world)), "cleo") is Verdict.PROMOTED


def test_a_finding_about_the_version_itself_shuts_the_way_back(world):
    world.gate.findings.open(Report("flights", "it fails too", Severity.HIGH, "1"), "ben")

    assert world.say(_id(_back(world)), "cleo") is Verdict.PENDING
    assert world.champion() == 2


def test_asking_twice_is_the_same_request_and_after_it_was_done_too(world):
    request_id = _id(_back(world))

    assert _id(_back(world)) == request_id
    world.say(request_id, "cleo")
    assert _id(_back(world)) == request_id


def test_there_is_no_way_back_to_where_the_alias_points(world):
    with pytest.raises(Refused, match="points at it already"):
        _back(world, version=2)
