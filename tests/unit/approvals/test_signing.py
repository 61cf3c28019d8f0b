"""Where the policy asks for it, a decision counts only with the signature of its person, and no copy of one does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import NotSigned
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.judging import Verdict, judge
from handrail.approvals.domain.review import weak_points
from handrail.approvals.domain.rights import Rights
from handrail.approvals.domain.short_requests import emergency_name
from handrail.approvals.domain.signatures import SIGNED_WITHIN, moment_text
from handrail.approvals.domain.subject import Purpose
from handrail.errors import InvalidInput
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_signatures import FakeKey
from tests.fakes.approvals_world import World, opening
from tests.fakes.kept_world import KeptWorld

BEN, CLEO, EVE = FakeKey("Ben"), FakeKey("Cleo"), FakeKey("Eve")


def signing(world):
    world.change_rules(signed=True)
    world.rules.persons = tuple(
        replace(person, keys=frozenset({FakeKey(person.name).public})) if person.name != "Ada" else person
        for person in PEOPLE
    )
    return world


@pytest.fixture
def world():
    return signing(World())


def _decide(world, request_id, account="ben", key=BEN, choice=Choice.APPROVE, **signed):
    """Decide, signed by the key under these facts; `signed` are parts of what is signed that differ from it."""
    seen = world.gate.request(request_id).seen
    lies = signed.pop("lies", {}) | signed
    signature = key.says(request_id, seen, str(choice), account, world.clock.now, **lies) if key else None
    return world.gate.decide(request_id, account, choice, "looked at it", seen=seen, signature=signature)


def _decisions(world, request_id):
    return world.ledger.load(request_id).decisions


def test_a_signed_quorum_promotes_and_the_permit_names_each_key(world):
    request_id = world.ask()
    _decide(world, request_id)

    view = _decide(world, request_id, "cleo", CLEO)

    assert view.judgement.verdict is Verdict.PROMOTED
    intended = next(event for event in view.history.events if hasattr(event, "statement"))
    keys = [row["key"] for row in intended.statement["predicate"]["approvers"]]
    assert keys == [BEN.public.key_id, CLEO.public.key_id]
    assert [row["signed_by"] for row in view.to_json()["decisions"]] == keys


def test_without_signatures_permit_rows_stay_what_they_were():
    world = World()
    history = world.ledger.load(world.promote())

    intended = next(event for event in history.events if hasattr(event, "statement"))
    assert [sorted(row) for row in intended.statement["predicate"]["approvers"]] == [["account", "at", "person"]] * 2


@pytest.mark.parametrize("choice", list(Choice))
def test_an_unsigned_decision_is_refused_by_name_and_not_recorded(world, choice):
    request_id = world.ask()

    with pytest.raises(NotSigned, match="wants each decision signed by its person"):
        _decide(world, request_id, key=None, choice=choice)

    assert _decisions(world, request_id) == ()


def test_what_is_signed_has_been_looked_at(world):
    request_id = world.ask()
    signature = BEN.says(request_id, None, "approve", "ben", world.clock.now)

    with pytest.raises(InvalidInput, match="seen"):
        world.gate.decide(request_id, "ben", Choice.APPROVE, "looked at it", signature=signature)


@pytest.mark.parametrize("key", [EVE, CLEO], ids=["of nobody", "of another person"])
def test_the_key_has_to_be_the_persons_own(world, key):
    request_id = world.ask()

    with pytest.raises(NotSigned, match="is none of those that Ben has"):
        _decide(world, request_id, key=key)


@pytest.mark.parametrize(
    "changes",
    [
        {"about": "pr-0"},
        {"seen": "sha256:0"},
        {"choice": "reject"},
        {"reason": "looked at nothing"},
        {"account": "ben-2"},
        {"server": "local-2"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_signature_under_something_else_is_refused(world, changes):
    request_id = world.ask()

    with pytest.raises(NotSigned, match="not that of this decision"):
        _decide(world, request_id, lies=changes)

    assert _decisions(world, request_id) == ()


def test_a_flipped_byte_is_refused(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    signed = BEN.says(request_id, seen, "approve", "ben", world.clock.now)
    other = replace(signed, value=("B" if signed.value[0] == "A" else "A") + signed.value[1:])

    with pytest.raises(NotSigned, match="not that of this decision"):
        world.gate.decide(request_id, "ben", Choice.APPROVE, "looked at it", seen=seen, signature=other)


@pytest.mark.parametrize("value", ["", "A", "AAAA", "é", "A" * 86 + "=="[:1], "A" * 85 + "B=="])
def test_what_is_not_written_as_a_signature_is_refused(world, value):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    signed = replace(BEN.says(request_id, seen, "approve", "ben", world.clock.now), value=value)

    with pytest.raises(NotSigned, match="not written as one is"):
        world.gate.decide(request_id, "ben", Choice.APPROVE, "looked at it", seen=seen, signature=signed)


@pytest.mark.parametrize("at", ["now", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T01:00:00+01:00"])
def test_the_moment_is_written_in_one_way(world, at):
    request_id = world.ask()

    with pytest.raises(NotSigned, match="not written as one is"):
        _decide(world, request_id, at=at)


@pytest.mark.parametrize("off", [-SIGNED_WITHIN - timedelta(minutes=1), timedelta(minutes=6)])
def test_an_old_signature_or_one_of_tomorrow_is_refused(world, off):
    request_id = world.ask()

    with pytest.raises(NotSigned, match="Sign it again"):
        _decide(world, request_id, at=moment_text(world.clock.now + off))


def test_a_copy_of_an_approval_does_not_take_back_the_question_after_it(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    approval = BEN.says(request_id, seen, "approve", "ben", world.clock.now)
    world.gate.decide(request_id, "ben", Choice.APPROVE, "looked at it", seen=seen, signature=approval)
    world.clock()
    _decide(world, request_id, choice=Choice.ASK)
    now = world.gate.request(request_id).seen

    with pytest.raises(NotSigned, match="may be a copy"):
        world.gate.decide(request_id, "ben", Choice.APPROVE, "looked at it", seen=now, signature=approval)


def test_a_key_that_was_taken_out_of_the_roles_counts_no_more(world):
    request_id = world.ask()
    _decide(world, request_id)
    history = world.ledger.load(request_id)
    policy = world.rules.policy("flights", "champion")
    assert judge(history, policy, world.rules.directory()).approvers

    without = tuple(replace(person, keys=frozenset()) for person in world.rules.persons)
    judged = judge(history, policy, replace(world.rules.directory(), persons=without))

    assert (judged.verdict, judged.approvers) == (Verdict.PENDING, ())


def test_other_keys_of_those_who_decide_void_the_request(world):
    request_id = world.ask()
    _decide(world, request_id)
    ada, *others = world.rules.persons
    world.rules.persons = (ada, *(replace(person, keys=frozenset({EVE.public})) for person in others))

    assert world.gate.request(request_id).judgement.verdict is Verdict.VOID


def test_a_signature_that_nobody_asked_for_is_verified_all_the_same(world):
    world.change_rules(signed=False)
    request_id = world.ask()

    with pytest.raises(NotSigned, match="not that of this decision"):
        _decide(world, request_id, reason="something else")
    assert _decide(world, request_id).history.decisions[0].signature is not None


def test_an_unsigned_approval_in_the_ledger_does_not_count(world):
    request_id = world.ask()
    history = world.ledger.load(request_id)
    for account, person in (("ben", "Ben"), ("cleo", "Cleo")):
        history = history.then(Decided(world.clock(), account, person, Choice.APPROVE, "fine"))

    judged = judge(history, world.rules.policy("flights", "champion"), world.rules.directory())

    assert (judged.verdict, judged.approvers) == (Verdict.PENDING, ())


def test_whoever_breaks_the_glass_signs_what_moves_where(world):
    world.change_rules(rights=Rights(break_glass=frozenset({"ml-engineer"})))
    broken = opening(evidence={})
    name = emergency_name("flights", 1, "champion")
    broken = replace(broken, purpose=Purpose.BREAK_GLASS)
    with pytest.raises(NotSigned):
        world.gate.glass.break_glass(broken, "ben")

    signature = BEN.says(name, None, "approve", "ben", world.clock.now, reason=broken.reason)
    view, _ = world.gate.glass.break_glass(broken, "ben", signature)

    assert view.judgement.verdict is Verdict.PROMOTED


def test_policy_check_names_who_has_no_key_and_what_cannot_be_met(world):
    world.rules.persons = tuple(
        replace(person, keys=frozenset()) if person.name == "Cleo" else person for person in world.rules.persons
    )

    found = list(weak_points(world.rules.policies["champion"], world.rules.directory()))

    assert [point.sentence for point in found if "Cleo has no key" in point.sentence]
    assert any(point.blocks for point in found)


class TestKeeper:
    """The keeper verifies by its own roles, so that a server that it does not trust decides for nobody."""

    @pytest.fixture
    def world(self):
        return signing(KeptWorld())

    def _yes(self, world, history, key, **changes):
        request_id = history.request.request_id
        seen = world.gate.request(request_id).seen
        signature = key.says(request_id, seen, "approve", "ben", world.clock.now, **changes) if key else None
        return replace(world.yes(), seen=seen, signature=signature)

    def test_what_the_person_signed_is_stored(self, world):
        history = world.asked()

        stored = world.gate_ledger.append(history, self._yes(world, history, BEN))

        assert stored.decisions[0].signature.key_id == BEN.public.key_id

    @pytest.mark.parametrize(
        ("key", "changes"),
        [(None, {}), (EVE, {}), (CLEO, {}), (BEN, {"about": "pr-0"}), (BEN, {"seen": "sha256:0"})],
        ids=["none", "unknown key", "another person's", "another request", "other facts"],
    )
    def test_a_decision_in_the_name_of_somebody_is_not(self, world, key, changes):
        history = world.asked()

        with pytest.raises(NotSigned):
            world.gate_ledger.append(history, self._yes(world, history, key, **changes))

        assert world.kept.load(history.request.request_id).events == history.events
