from datetime import UTC, datetime

import pytest

from handrail.approvals.domain.errors import Closed, MovedMeanwhile, NotEligible
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.approvals.service.collecting import UNCLAIMED, collect_copies
from handrail.approvals.service.gate import ATTEMPTS
from handrail.errors import UnknownReference
from tests.fakes.approvals import EVIDENCE, PEOPLE, FakeTrees
from tests.fakes.approvals_custody import MemoryHolds
from tests.fakes.approvals_world import World, opening


@pytest.fixture
def world():
    return World()


def test_two_persons_in_the_named_roles_move_the_alias(world):
    request_id = world.ask()

    assert world.say(request_id, "ben") is Verdict.PENDING
    assert world.champion() is None
    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    assert world.champion() == 1
    permit, _ = world.journal.promotions[request_id]
    assert (permit.version, permit.approvers, permit.authors) == (1, ("Ben", "Cleo"), ("ada",))
    put = world.shelf.permits[permit.use, permit.tree_digest]
    assert put == world.gate.records.permit(permit.use, permit.tree_digest)


def test_the_same_question_is_the_same_request(world):
    first = world.gate.open_request(opening(), "ada")
    again = world.gate.open_request(opening(version="01", alias="Champion", reason="once more"), "ada")

    assert again.history.request == first.history.request
    assert (first.is_new, again.is_new) == (True, False)


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

    assert world.ask() != world.ask(**change)


def test_the_files_are_held_before_they_are_compared_for_the_move():
    holds, seen = MemoryHolds(), []

    class Watching(FakeTrees):
        def manifest(self, tree):
            seen.append(holds.holder_of_path(f"{tree}/MLmodel"))
            return super().manifest(tree)

    World(holds=holds, trees=Watching()).promote()

    assert seen == [None, "version 1 of 'flights'"]


def test_a_request_that_breaks_rules_is_refused_with_a_reason_for_each(world):
    view = world.gate.open_request(
        opening(evidence={"evaluation": {"roc_auc": 0.6}, "parity": {"max_difference": 1, "labels_differ": 2}}), "ada"
    )

    assert view.judgement.verdict is Verdict.REFUSED
    assert len(view.judgement.reasons) == 3
    with pytest.raises(Closed, match=r"refused.*roc_auc is 0\.6"):
        world.say(view.history.request.request_id, "ben")


def test_a_challenger_needs_a_comparison_once_there_is_a_champion(world):
    world.promote()
    world.register(2)

    view = world.gate.open_request(opening(2), "ada")

    assert view.judgement.verdict is Verdict.REFUSED
    assert "comparison.ci_low" in view.judgement.reasons[0]


def test_the_author_cannot_approve(world):
    world.rules.persons = (Person("Ada", frozenset({"ada", "ada-2"}), frozenset({"ml-engineer"})), *PEOPLE[1:])
    request_id = world.ask()

    for account in ("ada", "ada-2"):
        with pytest.raises(NotEligible, match="Ada made the candidate"):
            world.say(request_id, account)


def test_whoever_wrote_a_file_of_the_tree_cannot_approve(world):
    world.provenance.record("path", "/artifacts/1/1/model/onnx", "ben")
    request_id = world.ask()

    with pytest.raises(NotEligible, match="Ben made the candidate"):
        world.say(request_id, "ben")


def test_requester_cannot_approve_their_own_request(world):
    request_id = world.gate.open_request(opening(), "cleo").history.request.request_id

    with pytest.raises(NotEligible, match="Cleo asked for the promotion"):
        world.say(request_id, "cleo")


def test_one_person_with_two_accounts_counts_once(world):
    world.change_rules(quorum={"ml-engineer": 2})
    request_id = world.ask()

    assert world.say(request_id, "ben") is Verdict.PENDING
    assert world.say(request_id, "ben-2") is Verdict.PENDING
    assert len(world.ledger.load(request_id).decisions) == 1


@pytest.mark.parametrize("account", ["BEN", "ben ", "ｂen", "root", ""])
def test_an_account_that_stands_nowhere_decides_nothing(world, account):
    request_id = world.ask()

    with pytest.raises(NotEligible, match="belongs to nobody"):
        world.say(request_id, account)


def test_a_person_in_another_role_cannot_approve(world):
    world.rules.persons = (*PEOPLE, Person("Dora", frozenset({"dora"}), frozenset({"data-engineer"})))

    with pytest.raises(NotEligible, match="holds none of the roles"):
        world.say(world.ask(), "dora")


def test_a_version_without_a_known_author_is_refused(world):
    world.provenance.rows.clear()

    view = world.gate.open_request(opening(), "ada")

    assert "Nobody is recorded as the author" in view.judgement.reasons[0]


def test_an_author_who_is_nobody_in_the_roles_is_refused(world):
    world.register(2, author="ada-in-disguise")

    view = world.gate.open_request(opening(2), "ada")

    assert "'ada-in-disguise'" in view.judgement.reasons[0]


@pytest.mark.parametrize("requester", ["nobody", "ADA", "ada ", ""])
def test_a_requester_whom_nobody_knows_is_refused(world, requester):
    view = world.gate.open_request(opening(), requester)

    assert view.judgement.verdict is Verdict.REFUSED
    assert view.judgement.reasons == (
        f"The account {requester!r} made or asked for this and belongs to nobody in config/roles.yaml; "
        "name its person.",
    )
    with pytest.raises(Closed, match="refused"):
        world.say(view.history.request.request_id, "ben")


def test_a_requester_who_leaves_the_roles_ends_what_they_asked_for(world):
    world.rules.persons = (*PEOPLE, Person("Dora", frozenset({"dora"}), frozenset({"data-engineer"})))
    request_id = world.gate.open_request(opening(), "dora").history.request.request_id
    world.say(request_id, "ben")

    world.rules.persons = PEOPLE

    with pytest.raises(Closed, match=r"void.*who answers for its makers, changed in config/roles.yaml"):
        world.say(request_id, "cleo")
    assert world.champion() is None
    assert "'dora'" in world.gate.open_request(opening(), "dora").judgement.reasons[0]


def test_each_account_that_nobody_knows_is_named_once(world):
    world.register(2, author="zoe")

    reasons = world.gate.open_request(opening(2), "zoe").judgement.reasons

    assert [reason.count("'zoe'") for reason in reasons] == [1]


@pytest.mark.parametrize(("times", "succeeds"), [(1, True), (ATTEMPTS - 1, True), (ATTEMPTS, False)])
def test_a_decision_beside_others_is_tried_again_a_few_times(world, times, succeeds):
    request_id, append, others = world.ask(), world.ledger.append, list(range(times))

    def beside_others(history, event):
        if others:
            others.pop()
            raise MovedMeanwhile(request_id)
        return append(history, event)

    world.ledger.append = beside_others

    if succeeds:
        assert world.say(request_id, "ben") is Verdict.PENDING
    else:
        with pytest.raises(MovedMeanwhile):
            world.say(request_id, "ben")
    assert len(world.ledger.load(request_id).decisions) == int(succeeds)


def test_saying_the_same_twice_changes_nothing(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    before = world.ledger.load(request_id)

    world.say(request_id, "ben")

    assert world.ledger.load(request_id) == before


def test_saying_the_same_after_the_move_answers_promoted(world):
    request_id = world.promote()
    before = world.ledger.load(request_id)

    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    assert world.ledger.load(request_id) == before


def test_an_approval_can_be_withdrawn_and_a_rejection_is_final(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    assert world.say(request_id, "ben", Choice.REJECT) is Verdict.REJECTED
    for account in ("ben", "cleo"):
        with pytest.raises(Closed, match="Ben rejected it"):
            world.say(request_id, account)
    assert [type(event) for event in world.ledger.load(request_id).events] == [Decided, Decided]
    assert world.champion() is None


def test_a_rejected_subject_stays_rejected(world):
    request_id = world.ask()
    world.say(request_id, "cleo", Choice.REJECT)

    assert world.ask() == request_id


def test_nothing_is_left_to_decide_after_the_move(world):
    world.rules.persons = (*PEOPLE, Person("Bo", frozenset({"bo"}), frozenset({"ml-engineer"})))
    request_id = world.promote()

    with pytest.raises(Closed, match="promoted"):
        world.say(request_id, "bo")


def test_an_alias_without_a_policy_cannot_be_asked_for(world):
    with pytest.raises(UnknownReference, match="challenger"):
        world.ask(alias="challenger")


def test_a_request_takes_a_copy_of_the_files_that_it_is_about(world, tmp_path):
    request_id = world.ask()
    before = dict(world.trees.content["/artifacts/1/1/model"])
    world.trees.content["/artifacts/1/1/model"]["MLmodel"] = b"changed"

    world.copies.lay_out(world.ledger.load(request_id).request.subject.tree_digest, tmp_path)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path)): path.read_bytes() for path in files} == before


def test_only_copies_that_no_request_is_about_are_collected(world):
    kept = world.ledger.load(world.ask()).request.subject.tree_digest
    garbage = world.copies.take(world.register(2).tree).digest
    later = datetime.now(UTC) + 2 * UNCLAIMED

    assert collect_copies(world.ledger, world.copies, datetime.now(UTC)) == 0
    assert collect_copies(world.ledger, world.copies, later) == 3

    assert (kept in world.copies.kept, garbage in world.copies.kept) == (True, False)
