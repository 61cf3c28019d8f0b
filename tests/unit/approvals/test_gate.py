from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import Closed, MoveUnderWay, NotEligible
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.policy import Rule
from handrail.approvals.domain.requests import Choice, Decided, Verdict
from handrail.errors import Unavailable, UnknownReference
from tests.fakes.approvals import EVIDENCE, PEOPLE, RULES, World, opening


@pytest.fixture
def world():
    return World()


def _ask(world, **changes):
    return world.gate.open_request(opening(**changes), "ada").history.request.request_id


def _say(world, request_id, account, choice=Choice.APPROVE):
    return world.gate.decide(request_id, account, choice, "looked at it").judgement.verdict


def _champion(world):
    return world.registry.incumbent("flights", "champion")


def _promote(world, version=1):
    request_id = _ask(world, version=str(version), evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})
    _say(world, request_id, "ben")
    assert _say(world, request_id, "cleo") is Verdict.PROMOTED
    return request_id


def test_two_persons_in_the_named_roles_move_the_alias(world):
    request_id = _ask(world)

    assert _say(world, request_id, "ben") is Verdict.PENDING
    assert _champion(world) is None
    assert _say(world, request_id, "cleo") is Verdict.PROMOTED
    assert _champion(world) == 1
    permit, _ = world.journal.promotions[request_id]
    assert (permit.version, permit.approvers, permit.authors) == (1, ("Ben", "Cleo"), ("ada",))
    assert world.shelf.permits[permit.tree_digest] == world.gate.records.permit(permit.tree_digest)


def test_the_same_question_is_the_same_request(world):
    first = world.gate.open_request(opening(), "ada")
    again = world.gate.open_request(opening(version="01", alias="Champion", reason="once more"), "ada")

    assert again.history.request == first.history.request


@pytest.mark.parametrize(
    "change",
    [
        {"evidence": EVIDENCE | {"evaluation": {"roc_auc": 0.77}}},
        {"evidence": EVIDENCE | {"more": {}}},
        {"version": "2"},
    ],
    ids=["evidence", "more evidence", "version"],
)
def test_another_question_is_another_request(world, change):
    world.register(2)

    assert _ask(world) != _ask(world, **change)


def test_the_files_are_frozen_before_they_are_digested(world):
    seen = []

    class Watching:
        def manifest(self, tree):
            seen.append(world.holds.holder_of_path(f"{tree}/MLmodel"))
            return world.trees.manifest(tree)

    world.gate._ports = replace(world.gate._ports, trees=Watching())
    _ask(world)

    assert seen == ["version 1 of 'flights'"]


def test_a_request_that_breaks_rules_is_refused_with_a_reason_for_each(world):
    view = world.gate.open_request(
        opening(evidence={"evaluation": {"roc_auc": 0.6}, "parity": {"max_difference": 1, "labels_differ": 2}}), "ada"
    )

    assert view.judgement.verdict is Verdict.REFUSED
    assert len(view.judgement.reasons) == 3
    with pytest.raises(Closed, match=r"refused.*roc_auc is 0\.6"):
        _say(world, view.history.request.request_id, "ben")


def test_a_challenger_needs_a_comparison_once_there_is_a_champion(world):
    _promote(world)
    world.register(2)

    view = world.gate.open_request(opening(2), "ada")

    assert view.judgement.verdict is Verdict.REFUSED
    assert "comparison.ci_low" in view.judgement.reasons[0]


def test_the_author_cannot_approve(world):
    world.rules.persons = (Person("Ada", frozenset({"ada", "ada-2"}), frozenset({"ml-engineer"})), *PEOPLE[1:])
    request_id = _ask(world)

    for account in ("ada", "ada-2"):
        with pytest.raises(NotEligible, match="Ada made the candidate"):
            _say(world, request_id, account)


def test_whoever_wrote_a_file_of_the_tree_cannot_approve(world):
    world.provenance.record("path", "/artifacts/1/1/model/onnx", "ben")
    request_id = _ask(world)

    with pytest.raises(NotEligible, match="Ben made the candidate"):
        _say(world, request_id, "ben")


def test_requester_cannot_approve_their_own_request(world):
    request_id = world.gate.open_request(opening(), "cleo").history.request.request_id

    with pytest.raises(NotEligible, match="Cleo asked for the promotion"):
        _say(world, request_id, "cleo")


def test_one_person_with_two_accounts_counts_once(world):
    world.change_rules(quorum={"ml-engineer": 2})
    request_id = _ask(world)

    assert _say(world, request_id, "ben") is Verdict.PENDING
    assert _say(world, request_id, "ben-2") is Verdict.PENDING
    assert len(world.ledger.load(request_id).decisions) == 1


@pytest.mark.parametrize("account", ["BEN", "ben ", "ｂen", "root", ""])
def test_an_account_that_stands_nowhere_decides_nothing(world, account):
    request_id = _ask(world)

    with pytest.raises(NotEligible, match="belongs to nobody"):
        _say(world, request_id, account)


def test_a_person_in_another_role_cannot_approve(world):
    world.rules.persons = (*PEOPLE, Person("Dora", frozenset({"dora"}), frozenset({"data-engineer"})))

    with pytest.raises(NotEligible, match="holds none of the roles"):
        _say(world, _ask(world), "dora")


def test_a_version_without_a_known_author_is_refused(world):
    world.provenance.rows.clear()

    view = world.gate.open_request(opening(), "ada")

    assert "Nobody is recorded as the author" in view.judgement.reasons[0]


def test_an_author_who_is_nobody_in_the_roles_is_refused(world):
    world.register(2, author="ada-in-disguise")

    view = world.gate.open_request(opening(2), "ada")

    assert "'ada-in-disguise'" in view.judgement.reasons[0]


def test_saying_the_same_twice_changes_nothing(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")
    before = world.ledger.load(request_id)

    _say(world, request_id, "ben")

    assert world.ledger.load(request_id) == before


def test_saying_the_same_after_the_move_answers_promoted(world):
    request_id = _promote(world)
    before = world.ledger.load(request_id)

    assert _say(world, request_id, "cleo") is Verdict.PROMOTED
    assert world.ledger.load(request_id) == before


def test_an_approval_can_be_withdrawn_and_a_rejection_is_final(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")

    assert _say(world, request_id, "ben", Choice.REJECT) is Verdict.REJECTED
    for account in ("ben", "cleo"):
        with pytest.raises(Closed, match="Ben rejected it"):
            _say(world, request_id, account)
    assert [type(event) for event in world.ledger.load(request_id).events] == [Decided, Decided]
    assert _champion(world) is None


def test_a_rejected_subject_stays_rejected(world):
    request_id = _ask(world)
    _say(world, request_id, "cleo", Choice.REJECT)

    assert _ask(world) == request_id


def test_nothing_is_left_to_decide_after_the_move(world):
    world.rules.persons = (*PEOPLE, Person("Bo", frozenset({"bo"}), frozenset({"ml-engineer"})))
    request_id = _promote(world)

    with pytest.raises(Closed, match="promoted"):
        _say(world, request_id, "bo")


def _flip(world):
    world.trees.content["/artifacts/1/1/model"]["MLmodel"] = b"format: pickle"


def _add(world):
    world.trees.content["/artifacts/1/1/model"][".git/hook"] = b"x"


def _drop(world):
    del world.trees.content["/artifacts/1/1/model"]["MLmodel"]


def _weaken(world):
    world.change_rules(quorum={"ml-engineer": 1})


def _loosen(world):
    world.change_rules(rules=(Rule("evaluation.roc_auc", at_least=0.5), *RULES[1:]))


def _remake_model(world):
    world.register(1, epoch=2)


def _remake_version(world):
    world.register(1, created=777)


def _move_alias(world):
    world.registry.aliases["flights", "champion"] = 9


def _delete(world):
    del world.registry.versions["flights", 1]


def _swap_evidence(world):
    (request_id,) = world.ledger.stored
    history = world.ledger.stored[request_id]
    better = EVIDENCE | {"evaluation": {"roc_auc": 0.80}}
    world.ledger.stored[request_id] = replace(history, request=replace(history.request, evidence=better))


CHANGES = (
    (_flip, "the files of the version"),
    (_add, "the files of the version"),
    (_drop, "the files of the version"),
    (_weaken, "the policy"),
    (_loosen, "the policy"),
    (_remake_model, "made anew"),
    (_remake_version, "made anew"),
    (_move_alias, "the version that the alias points at"),
    (_delete, "no registered model named"),
    (_swap_evidence, "the evidence"),
)


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=[change.__name__[1:] for change, _ in CHANGES])
def test_a_change_of_anything_that_is_bound_voids_the_decisions(world, change, words):
    request_id = _ask(world)
    _say(world, request_id, "ben")

    change(world)

    for account in ("cleo", "ben"):
        with pytest.raises(Closed, match=words) as caught:
            _say(world, request_id, account)
        assert caught.value.verdict == "void"
    assert _champion(world) in (None, 9)
    assert not world.ledger.permits


def test_what_is_void_stays_void_when_the_change_is_undone(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")
    good = world.trees.content["/artifacts/1/1/model"]["MLmodel"]
    _flip(world)
    with pytest.raises(Closed):
        _say(world, request_id, "cleo")
    world.trees.content["/artifacts/1/1/model"]["MLmodel"] = good

    with pytest.raises(Closed):
        _say(world, request_id, "cleo")

    fresh = _ask(world)
    assert fresh != request_id
    assert world.ledger.load(fresh).decisions == ()


def test_roles_are_read_at_each_decision(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")
    world.rules.persons = (PEOPLE[0], PEOPLE[2])

    assert _say(world, request_id, "cleo") is Verdict.PENDING

    world.rules.persons = PEOPLE
    assert _say(world, request_id, "cleo") is Verdict.PROMOTED


def test_an_account_that_went_to_another_person_carries_no_old_decision(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")
    world.rules.persons = (PEOPLE[0], Person("Bob", frozenset({"ben"}), frozenset({"ml-engineer"})), PEOPLE[2])

    assert _say(world, request_id, "cleo") is Verdict.PENDING


def test_of_two_approved_challengers_the_second_is_void(world):
    _promote(world)
    evidence = EVIDENCE | {"comparison": {"ci_low": 0.01}}
    world.register(2)
    world.register(3)
    second, third = _ask(world, version="2", evidence=evidence), _ask(world, version="3", evidence=evidence)
    for request_id in (second, third):
        _say(world, request_id, "ben")

    assert _say(world, second, "cleo") is Verdict.PROMOTED
    with pytest.raises(Closed, match="the alias points at"):
        _say(world, third, "cleo")
    assert _champion(world) == 2


def test_a_move_waits_for_another_one_of_the_same_alias(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")
    world.ledger.moving["local-1", "flights", "champion"] = "pr-other"

    with pytest.raises(MoveUnderWay, match="pr-other"):
        _say(world, request_id, "cleo")
    assert _champion(world) is None

    world.ledger.moving.clear()
    assert _say(world, request_id, "cleo") is Verdict.PROMOTED


def test_a_move_that_the_registry_did_not_commit_is_finished_by_the_same_decision(world):
    request_id = _ask(world)
    _say(world, request_id, "ben")
    world.registry.fail_before = Unavailable("The registry", "its disk is full", "Free it.")

    with pytest.raises(Unavailable, match="disk is full"):
        _say(world, request_id, "cleo")
    with pytest.raises(Closed, match="being promoted"):
        _say(world, request_id, "cleo", Choice.REJECT)

    assert _say(world, request_id, "cleo") is Verdict.PROMOTED
    assert _champion(world) == 1


def test_a_promoted_version_can_come_back_by_a_new_request(world):
    first = _promote(world)
    world.register(2)
    _promote(world, 2)

    again = _ask(world, evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})

    assert again != first
    assert world.ledger.load(again).request.subject.incumbent == 2


def test_asking_again_for_what_the_alias_points_at_returns_the_promoted_request(world):
    request_id = _promote(world)

    view = world.gate.open_request(opening(evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}}), "ada")

    assert view.history.request.request_id == request_id
    assert view.judgement.verdict is Verdict.PROMOTED


def test_an_alias_without_a_policy_cannot_be_asked_for(world):
    with pytest.raises(UnknownReference, match="challenger"):
        _ask(world, alias="challenger")
