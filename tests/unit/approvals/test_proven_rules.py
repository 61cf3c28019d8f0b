"""Rules behind a keeper: a caller that is not trusted brings nothing into force that the files and persons do not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import NotSigned
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.rule_changes import ChangeState, RuleChange, Way
from handrail.approvals.service.proven_rules import ProvenRules
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.errors import Refused
from tests.fakes.approvals_ruling import JsonRules, rule_set
from tests.fakes.approvals_signatures import FakeKey
from tests.unit.approvals.test_rule_changes import BOTH, ROLES, SIGNATURES, STRICTER, Place
from tests.unit.approvals.test_signed_rules import SIGNED, WITH_KEYS

WEAKER = {"ml-engineer": 1}


class Kept(Place):
    """A place whose records a keeper holds, and asks for proof."""

    def __init__(self, **files):
        super().__init__(**files)
        self.proven = ProvenRules(self.records, lambda: rule_set(**self.files), JsonRules, self._tick, SIGNATURES)
        self.rules = RuleChanges(
            self.proven, lambda: rule_set(**self.files), JsonRules, self._tick, "mlflow", SIGNATURES
        )

    def yes(self, account, /, **changes):
        return replace(Decided(self.now, account, account.title(), Choice.APPROVE, "fine"), **changes)


@pytest.fixture
def kept():
    kept = Kept()
    kept.rules.start()
    return kept


def test_an_honest_server_proposes_decides_and_has_it_in_force(kept):
    change = kept.propose(champion=STRICTER)

    assert kept.say(change, "ben", "cleo").state is ChangeState.IN_FORCE
    assert kept.quorums == {"policies/champion.yaml": STRICTER}


def test_while_nobody_is_named_files_come_into_force(kept):
    kept = Kept(roles={})
    kept.rules.start()
    kept.files["roles"] = ROLES
    kept.rules.look()

    assert kept.rules.views.in_force().way is Way.NOBODY


@pytest.mark.parametrize("way", list(Way))
def test_where_somebody_can_be_asked_nothing_is_taken(kept, way):
    now = kept.rules.views.in_force()
    kept.files["champion"] = WEAKER

    with pytest.raises(Refused, match="Somebody can be asked"):
        kept.proven.take(replace(now, number=1, rules=rule_set(**kept.files), way=way))
    assert kept.rules.views.in_force() == now


def test_the_first_rules_are_the_files():
    kept = Kept()
    strange = RuleChanges(
        kept.proven, lambda: rule_set(champion=WEAKER, roles=ROLES), JsonRules, kept._tick, "mlflow", SIGNATURES
    )

    with pytest.raises(Refused, match="not what the files say"):
        strange.start()


@pytest.mark.parametrize(
    "forged",
    [
        {"rules": rule_set(champion=WEAKER, roles=ROLES)},
        {"proposer": "eve"},
        {"base": "sha256:0"},
        {"reason": "two\nlines"},
    ],
)
def test_only_the_files_are_proposed_by_somebody_known(kept, forged):
    kept.files["champion"] = STRICTER
    base = kept.rules.views.in_force().rules.digest
    change = RuleChange(base, rule_set(**kept.files), "ada", "better", kept.now)

    with pytest.raises(Refused):
        kept.proven.open(replace(change, **forged))
    assert kept.proven.open(change).change == change


@pytest.mark.parametrize(
    "forged",
    [
        {"account": "ada", "person": "Ada"},
        {"account": "eve", "person": "Eve"},
        {"person": "Cleo"},
        {"choice": Choice.ASK},
        {"reason": "two\nlines"},
        {"at": None},
    ],
)
def test_only_who_may_decides(kept, forged):
    history = kept.propose(champion=STRICTER).history
    if forged.get("at", "") is None:
        forged = {"at": kept.now + timedelta(days=2)}

    with pytest.raises(Refused):
        kept.proven.append(history, kept.yes("ben", **forged), None)
    assert kept.proven.load(history.change.change_id).decided == ()


def test_rules_come_into_force_with_the_last_approval_and_no_other(kept):
    history = kept.propose(champion=STRICTER).history
    now = kept.rules.views.in_force()
    adopted = replace(
        now,
        number=1,
        rules=history.change.rules,
        way=Way.DECIDED,
        by="ada",
        reason="better",
        change_id=history.change.change_id,
        at=kept.now,
    )

    with pytest.raises(Refused, match="does not bring these rules into force"):
        kept.proven.append(history, kept.yes("ben"), adopted)
    history = kept.proven.append(history, kept.yes("ben"), None)
    for wrong in ({"rules": rule_set(champion=WEAKER, roles=ROLES)}, {"by": "eve"}, {"at": kept.now + timedelta(1)}):
        last = kept.yes("cleo")
        with pytest.raises(Refused, match="does not bring these rules into force"):
            kept.proven.append(history, last, replace(adopted, **({"at": last.at} | wrong)))
    with pytest.raises(Refused, match="does not bring these rules into force"):
        kept.proven.append(history, kept.yes("cleo"), None)
    last = kept.yes("cleo")
    kept.proven.append(history, last, replace(adopted, at=last.at))

    assert kept.quorums == {"policies/champion.yaml": STRICTER} != {"policies/champion.yaml": BOTH}


def test_a_keeper_stores_no_unsigned_decision_where_rules_ask_for_signatures():
    kept = Kept(champion=SIGNED, roles=WITH_KEYS)
    kept.rules.start()
    change = kept.propose(champion=BOTH)
    digest = change.history.change.rules.digest
    signature = FakeKey("Ben").says(change.history.change.change_id, digest, "approve", "ben", kept.now, reason="fine")

    with pytest.raises(NotSigned):
        kept.proven.append(change.history, kept.yes("ben"), None)
    with pytest.raises(Refused, match="under other rules"):
        kept.proven.append(change.history, kept.yes("ben", signature=signature), None)
    stored = kept.proven.append(change.history, kept.yes("ben", seen=digest, signature=signature), None)

    assert [decision.signature for decision in stored.decisions] == [signature]
