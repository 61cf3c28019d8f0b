"""Files propose, and persons in the roles that rule now decide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.approvals.domain.errors import Closed, NotEligible
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.rule_changes import ChangeState, Way
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.approvals.service.signing import Signatures
from handrail.errors import Misconfigured, Refused, UnknownReference
from tests.fakes.approvals_ruling import JsonRules, RulesInMemory, rule_set
from tests.fakes.approvals_signatures import FakeCheck

ROLES = {
    "Ada": {"roles": ["data-scientist"]},
    "Ben": {"roles": ["ml-engineer"]},
    "Cleo": {"roles": ["business-stakeholder"]},
    "Dan": {"roles": ["ml-engineer"]},
    "pipeline": {"owner": "Dan"},
}
BOTH = {"ml-engineer": 1, "business-stakeholder": 1}
STRICTER = {"ml-engineer": 2, "business-stakeholder": 1}


SIGNATURES = Signatures("local-1", FakeCheck())


class Place:
    """The files of a project, and what rules on its server."""

    def __init__(self, **files):
        self.files = {"champion": BOTH, "roles": ROLES} | files
        self.records = RulesInMemory()
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.rules = RuleChanges(
            self.records, lambda: rule_set(**self.files), JsonRules, self._tick, "root", SIGNATURES
        )

    def _tick(self):
        self.now += timedelta(seconds=1)
        return self.now

    def propose(self, account="ada", **files):
        self.files = {name: content for name, content in {**self.files, **files}.items() if content is not None}
        return self.rules.propose(account, "better")

    def say(self, change, *accounts, choice=Choice.APPROVE):
        for account in accounts:
            change = self.rules.decide(change.history.change.change_id, account, choice, "fine")
        return change

    @property
    def quorums(self):
        policies = JsonRules(self.rules.views.in_force().rules).policies()
        return {f"policies/{name}.yaml": policy.quorum for name, policy in policies.items()}


@pytest.fixture
def place():
    place = Place()
    assert place.rules.start() == ()
    return place


def test_the_first_start_takes_the_files_and_says_so(place):
    (first,) = place.rules.all_in_force()

    assert (first.number, first.way, first.by) == (0, Way.FIRST, "root")
    assert place.quorums == {"policies/champion.yaml": BOTH}


def test_files_that_cannot_be_used_do_not_begin():
    place = Place(champion={})

    with pytest.raises(Misconfigured):
        place.rules.start()
    with pytest.raises(Misconfigured, match="none are in force yet"):
        place.rules.views.in_force()


@pytest.mark.parametrize("again", ["look", "start"])
@pytest.mark.parametrize(
    "files", [{"champion": {"ml-engineer": 1}}, {"roles": ROLES | {"Eve": {"roles": ["ml-engineer"]}}}]
)
def test_a_changed_file_only_proposes_also_after_a_restart(place, files, again):
    place.files |= files

    (sentence,) = getattr(place.rules, again)()

    assert "only proposes" in sentence
    assert "handrail approvals rules propose" in sentence
    assert place.rules.views.in_force().number == 0


@pytest.mark.parametrize("again", ["look", "start"])
def test_a_removed_policy_frees_nothing(place, again):
    place.files = {"champoin": BOTH, "roles": ROLES}

    sentences = getattr(place.rules, again)()

    assert any("config/policies/champion.yaml is gone, and what it said protects" in sentence for sentence in sentences)
    assert place.quorums == {"policies/champion.yaml": BOTH}


def test_broken_files_change_nothing(place):
    place.files["champion"] = {}

    (sentence,) = place.rules.look()

    assert "What was in force before is in force." in sentence
    assert place.quorums == {"policies/champion.yaml": BOTH}
    with pytest.raises(Misconfigured):
        place.rules.propose("ada", "better")


def test_the_roles_that_rule_decide_and_then_it_rules(place):
    change = place.propose(champion=STRICTER)
    assert (change.state, change.files) == (ChangeState.PENDING, ("policies/champion.yaml",))

    assert place.say(change, "ben").state is ChangeState.PENDING
    assert place.quorums == {"policies/champion.yaml": BOTH}
    assert place.say(change, "cleo").state is ChangeState.IN_FORCE

    now = place.rules.views.in_force()
    assert (now.number, now.way, now.by) == (1, Way.DECIDED, "ada")
    assert now.change_id == change.history.change.change_id
    assert place.quorums == {"policies/champion.yaml": STRICTER}
    assert place.rules.look() == ()


def test_a_removed_policy_needs_those_whom_it_names(place):
    place.files |= {"canary": {"data-engineer": 1}}
    place.files["roles"] = ROLES | {"Eve": {"roles": ["data-engineer"]}}
    place.rules.take("a second policy")

    change = place.propose(champion=None)

    assert change.quorum == BOTH
    place.say(change, "ben", "cleo")
    assert list(place.quorums) == ["policies/canary.yaml"]


def test_a_new_policy_and_roles_need_what_any_policy_needs(place):
    place.files |= {"canary": {"data-engineer": 1}}
    place.rules.take("a second policy")

    assert place.propose(other={"ml-engineer": 1}).quorum == BOTH | {"data-engineer": 1}
    assert place.propose(other=None, roles=ROLES | {"Eve": {"roles": []}}).quorum == BOTH | {"data-engineer": 1}


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("ada", "Ada proposed the change"),
        ("pipeline", "services never decide"),
        ("Ben", "'Ben' belongs to nobody"),
        ("eve", "'eve' belongs to nobody"),
    ],
)
def test_proposer_services_and_strangers_do_not_decide(place, account, words):
    change = place.propose(champion=STRICTER)

    with pytest.raises(NotEligible, match=words):
        place.say(change, account)


def test_who_owns_the_service_that_proposed_does_not_decide(place):
    with pytest.raises(NotEligible, match="Dan proposed the change"):
        place.say(place.propose("pipeline", champion=STRICTER), "dan")


def test_a_stranger_does_not_propose(place):
    with pytest.raises(NotEligible, match="'eve' belongs to nobody"):
        place.propose("eve", champion=STRICTER)


@pytest.mark.parametrize(
    ("entry", "gained"),
    [
        ({"Ben": {"roles": ["ml-engineer", "business-stakeholder"]}}, "the role business-stakeholder"),
        ({"Ben": {"roles": ["ml-engineer"], "accounts": ["ben", "cleo2"]}}, "the account 'cleo2'"),
        ({"Ben": {}, "Benjamin": {"roles": ["business-stakeholder"], "accounts": ["ben"]}}, "the role business"),
    ],
)
def test_nobody_decides_about_what_gives_themselves_more(place, entry, gained):
    change = place.propose(roles=ROLES | entry)

    with pytest.raises(NotEligible, match=gained):
        place.say(change, "ben")


def test_who_would_no_longer_answer_for_a_service_does_not_decide(place):
    change = place.propose(roles=ROLES | {"pipeline": {"owner": "Ben"}})

    with pytest.raises(NotEligible, match="no more to answer for 'pipeline'"):
        place.say(change, "dan")


def test_one_rejection_ends_it_and_the_same_files_can_be_proposed_again(place):
    change = place.propose(champion=STRICTER)
    assert place.say(change, "ben", choice=Choice.REJECT).state is ChangeState.REJECTED
    with pytest.raises(Closed, match="rejected"):
        place.say(change, "cleo")

    again = place.propose()

    assert again.state is ChangeState.PENDING
    assert again.history.change.change_id != change.history.change.change_id


def test_proposing_the_same_again_returns_the_same(place):
    assert place.propose(champion=STRICTER) == place.propose()


def test_what_is_in_force_cannot_be_proposed(place):
    with pytest.raises(Refused, match="in force already"):
        place.rules.propose("ada", "again")


def test_other_rules_in_force_end_a_proposal(place):
    change = place.propose(champion=STRICTER)
    other = place.propose(champion={"ml-engineer": 1, "business-stakeholder": 2})
    place.say(change, "ben", "cleo")

    assert place.rules.views.change(other.history.change.change_id).state is ChangeState.VOID
    with pytest.raises(Closed, match="propose the files again"):
        place.say(other, "ben")


def test_an_approval_can_be_withdrawn_and_repeated_without_effect(place):
    change = place.propose(champion=STRICTER)
    place.say(change, "ben", "ben")
    assert len(place.rules.views.change(change.history.change.change_id).history.decided) == 1

    assert place.say(change, "ben", choice=Choice.REJECT).state is ChangeState.REJECTED


def test_a_role_that_nobody_holds_is_named_with_the_way_out(place):
    place.files["champion"] = {"devops-engineer": 1}
    place.rules.take("a mistake")

    change = place.propose(champion=BOTH)

    assert any("handrail approvals rules take" in reason for reason in change.reasons)


def test_taking_keeps_who_and_why_and_refuses_what_is_in_force(place):
    place.files["champion"] = STRICTER
    taken = place.rules.take("both left")

    assert (taken.way, taken.by, taken.reason) == (Way.OWNER, "root", "both left")
    with pytest.raises(Refused, match="in force already"):
        place.rules.take("again")


def test_while_nobody_is_named_files_count_at_once_but_protect_what_they_protected():
    place = Place(roles={})
    place.rules.start()
    place.files = {"canary": BOTH, "roles": ROLES}

    sentences = place.rules.look()

    now = place.rules.views.in_force()
    assert (now.number, now.way) == (1, Way.NOBODY)
    assert set(place.quorums) == {"policies/champion.yaml", "policies/canary.yaml"}
    assert [sentence for sentence in sentences if "champion" in sentence]
    place.files["roles"] = ROLES | {"Eve": {"roles": ["ml-engineer"]}}
    place.rules.look()
    assert place.rules.views.in_force() == now


def test_an_unknown_change_is_said(place):
    with pytest.raises(UnknownReference, match="rc-1"):
        place.rules.decide("rc-1", "ben", Choice.APPROVE, "fine")


def test_who_takes_the_files_while_others_bring_rules_into_force_tries_again(place):
    place.files["champion"] = STRICTER
    in_force, other = place.records.in_force, replace(place.rules.views.in_force(), number=1, way=Way.NOBODY)

    def once_before_the_other():
        place.records.in_force = in_force
        now = in_force()
        place.records.take(other)
        return now

    place.records.in_force = once_before_the_other

    assert place.rules.take("both left").number == 2
    assert place.quorums == {"policies/champion.yaml": STRICTER}
