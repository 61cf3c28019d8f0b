"""A void request is renewed in one action; who approved it sees what changed since, and has to approve again."""

import json

import pytest

from handrail.approvals.adapters.event_rows import request_body, request_from
from handrail.approvals.domain.errors import Closed
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Rule
from handrail.approvals.service import RunFile
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import EVIDENCE, RULES
from tests.fakes.approvals_world import World

EARLIER = EVIDENCE | {"comparison": {"ci_low": 0.01}}


@pytest.fixture
def world():
    return World()


def _void(world):
    """Ask for version 2, have Ben approve it, and promote another version meanwhile."""
    world.register(2)
    request_id = world.ask(version="2", evidence=EARLIER)
    world.say(request_id, "ben")
    world.promote(1)
    return request_id


def test_a_renewed_request_asks_for_the_same_and_names_the_one_before(world):
    old = _void(world)

    view = world.gate.renewals.renew(old, "ada")

    before, after = world.ledger.load(old).request, view.history.request
    assert view.is_new
    assert after.renews == old != after.request_id
    assert (after.subject.version, after.evidence, after.reason) == (2, before.evidence, before.reason)
    assert after.subject.incumbent == 1
    assert request_from(request_body(after)) == after


def test_each_approver_sees_what_changed_and_approves_again(world):
    new = world.gate.renewals.renew(_void(world), "ada").history.request.request_id

    view = world.gate.request(new)

    (since,) = view.to_json()["changes"]
    assert since["person"] == "Ben"
    assert "Its incumbent was nothing and is 1." in since["changes"]
    assert any(change.startswith("A rule on comparison.ci_low came, which is met") for change in since["changes"])
    assert view.history.decisions == ()
    assert world.say(new, "cleo") is Verdict.PENDING
    assert world.say(new, "ben") is Verdict.PROMOTED
    assert world.champion() == 2


def test_a_change_of_makers_is_said(world):
    old = _void(world)
    world.provenance.record("path", "/artifacts/1/2/model", "cleo")

    new = world.gate.renewals.renew(old, "ada").history.request.request_id

    (since,) = world.gate.request(new).since
    assert "Makers came to be known: cleo." in since.changes


def test_approvals_before_a_second_renewal_are_compared_too(world):
    second = world.gate.renewals.renew(_void(world), "ada").history.request.request_id
    world.say(second, "cleo")
    world.change_rules(rules=(*RULES, Rule("parity.labels_differ", at_most=3)))
    with pytest.raises(Closed):
        world.say(second, "cleo")

    third = world.gate.renewals.renew(second, "ada").history.request.request_id

    assert [since.approval.person for since in world.gate.request(third).since] == ["Ben", "Cleo"]


def test_renewing_twice_returns_the_same_request(world):
    old = _void(world)
    first = world.gate.renewals.renew(old, "ada")

    again = world.gate.renewals.renew(old, "ada")

    assert (again.is_new, again.history.request) == (False, first.history.request)


def test_a_change_that_nobody_has_looked_at_yet_makes_it_void_first(world):
    old = world.ask()
    world.change_rules(quorum={"ml-engineer": 1})

    new = world.gate.renewals.renew(old, "ada").history.request

    assert world.ledger.load(old).voided
    assert new.renews == old


@pytest.mark.parametrize("state", ["pending", "rejected", "promoted"])
def test_only_a_void_request_is_renewed(world, state):
    request_id = world.promote() if state == "promoted" else world.ask()
    if state == "rejected":
        world.gate.decide(request_id, "ben", Choice.REJECT, "no")

    with pytest.raises(Refused, match=f"It is {state}; only a void"):
        world.gate.renewals.renew(request_id, "ada")


def test_a_version_that_is_gone_cannot_be_asked_for_again(world):
    old = _void(world)
    del world.registry.versions["flights", 2]

    with pytest.raises(UnknownReference):
        world.gate.renewals.renew(old, "ada")


def test_a_rejection_of_the_same_files_is_shown_on_the_renewed_request(world):
    old = _void(world)
    other = world.ask(version="2", evidence=EARLIER | {"more": {}})
    world.gate.decide(other, "cleo", Choice.REJECT, "leaks")

    view = world.gate.renewals.renew(old, "ada")

    assert [rejection.request_id for rejection in view.rejections] == [other]


def test_files_that_the_gate_read_are_read_again(world):
    at = RunFile("run-1", "reports/parity.json")
    tree = world.trees.manifest("/artifacts/1/1/model").digest
    world.provenance.record("path", "/artifacts/run-1/reports", "ada")

    def log(differ):
        world.files.files[at.run_id, at.path] = json.dumps({"tree_digest": tree, "labels_differ": differ}).encode()

    log(0)
    old = world.ask(evidence={"evaluation": {"roc_auc": 0.76}}, files={"parity": at})
    world.change_rules(rules=RULES[:2])
    log(7)

    renewed = world.gate.renewals.renew(old, "ada").history.request

    assert renewed.evidence["parity"]["labels_differ"] == 7
    assert renewed.bound["parity"].sha256 != world.ledger.load(old).request.bound["parity"].sha256
