"""Rules that ask for signatures change by signed decisions alone."""

from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import NotEligible, NotSigned
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.rule_changes import ChangeState
from tests.fakes.approvals_signatures import FakeKey
from tests.unit.approvals.test_rule_changes import BOTH, ROLES, Place

SIGNED = BOTH | {"signed": True}
WITH_KEYS = ROLES | {name: ROLES[name] | {"keys": [name]} for name in ("Ben", "Cleo")}


@pytest.fixture
def signed():
    place = Place(champion=SIGNED, roles=WITH_KEYS)
    place.rules.start()
    return place


def _sign(place, change, account, key, **changes):
    history = change.history
    about, digest = history.change.change_id, history.change.rules.digest
    signature = key.says(about, digest, "approve", account, place.now, reason="fine", **changes)
    return place.rules.decide(about, account, Choice.APPROVE, "fine", signature=signature)


def test_rules_that_ask_for_signatures_change_by_signed_decisions_alone(signed):
    change = signed.propose(champion=BOTH)

    with pytest.raises(NotSigned, match="wants each decision signed"):
        signed.say(change, "ben")
    _sign(signed, change, "ben", FakeKey("Ben"))
    changed = _sign(signed, change, "cleo", FakeKey("Cleo"))

    assert changed.state is ChangeState.IN_FORCE
    assert all(row["signed_by"] for row in changed.to_json()["decisions"])


@pytest.mark.parametrize("files", [{"roles": ROLES}, {"other": BOTH}], ids=["roles", "a new policy"])
def test_what_could_weaken_such_rules_is_signed_too(signed, files):
    change = signed.propose(**files)

    with pytest.raises(NotSigned):
        signed.say(change, "ben")


@pytest.mark.parametrize("changes", [{"about": "rc-0"}, {"seen": "sha256:0"}, {"server": "local-2"}])
def test_a_signature_for_another_change_brings_nothing_into_force(signed, changes):
    change = signed.propose(champion=BOTH)

    with pytest.raises(NotSigned, match="not that of this decision"):
        _sign(signed, change, "ben", FakeKey("Ben"), **changes)


def test_nobody_decides_about_a_key_of_their_own(signed):
    change = signed.propose(roles=WITH_KEYS | {"Ben": WITH_KEYS["Ben"] | {"keys": ["Ben", "Eve"]}})

    with pytest.raises(NotEligible, match=FakeKey("Eve").public.key_id):
        _sign(signed, change, "ben", FakeKey("Ben"))


def test_an_unsigned_decision_in_the_records_or_one_by_a_key_that_is_gone_does_not_count(signed):
    change = signed.propose(champion=BOTH)
    history = change.history
    for account, person in (("ben", "Ben"), ("cleo", "Cleo")):
        history = history.then(Decided(signed.now, account, person, Choice.APPROVE, "fine"))
    gone = tuple(replace(each, signature=FakeKey("Eve").says("", None, "", "", signed.now)) for each in history.decided)

    for decided in (history.decided, gone):
        assert signed.rules.views.view(replace(history, decided=decided)).state is ChangeState.PENDING


def test_a_change_that_too_few_persons_with_keys_could_decide_says_so(signed):
    view = signed.propose(champion=BOTH | {"ml-engineer": 2}, account="ada")
    assert not any("rules take" in reason for reason in view.reasons)
    without = WITH_KEYS | {"Cleo": ROLES["Cleo"]}
    place = Place(champion=SIGNED, roles=without)
    place.rules.start()

    view = place.propose(champion=BOTH)

    assert any("leave 1 business-stakeholder who has a key to sign with open" in reason for reason in view.reasons)
