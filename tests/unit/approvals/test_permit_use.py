"""What a permit is for: this use, this long, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.permit import Envelope, Permit, why_unusable
from handrail.approvals.domain.terms import DAYS, PermitRules
from handrail.approvals.service.earlier import RENEWAL
from handrail.refs import Use
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    return World()


def _permit(world, request_id):
    return Permit.from_payload(Envelope.from_json(world.ledger.load(request_id).done.envelope).payload)


@pytest.fixture(scope="module")
def permit():
    world = World()
    return _permit(world, world.promote())


def test_the_use_is_the_gates_server_and_environment(permit):
    assert permit.use == Use("local-1", "flights", "champion", "local")
    assert why_unusable(permit, permit.use, permit.terms.expires - timedelta(seconds=1)) is None


names = st.sampled_from(["local-1", "flights", "champion", "local", "Champion", "champion ", "", "ｃhampion"])


@given(st.builds(Use, names, names, names, names))
def test_any_other_use_is_refused_with_a_sentence_that_says_both(permit, use):
    refusal = why_unusable(permit, use, permit.terms.expires - timedelta(days=1))

    assert (refusal is None) is (use == permit.use)
    if refusal:
        assert str(use) in refusal
        assert str(permit.use) in refusal


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"approvers": ()}, "names nobody"),
        ({"terms": None}, "of release 0.1.0"),
    ],
)
def test_a_permit_that_says_too_little_is_refused(permit, change, words):
    assert words in str(why_unusable(replace(permit, **change), permit.use, permit.terms.expires - timedelta(days=1)))


@pytest.mark.parametrize(
    ("before_expiry", "words"),
    [
        (timedelta(0), "expired at"),
        (-timedelta(days=400), "expired at"),
        (timedelta(days=DAYS, minutes=6), "the clock here says"),
        (timedelta(days=DAYS, minutes=4), None),
        (timedelta(seconds=1), None),
    ],
)
def test_a_permit_holds_from_its_issue_to_its_expiry(permit, before_expiry, words):
    refusal = why_unusable(permit, permit.use, permit.terms.expires - before_expiry)

    assert refusal is None if words is None else words in refusal


def test_the_policy_says_how_long_and_where(world):
    world.change_rules(permits=PermitRules(days=7, environment="production"))

    permit = _permit(world, world.promote())

    assert permit.terms.expires == permit.terms.expires.fromisoformat(permit.issued) + timedelta(days=7)
    assert permit.use.environment == "production"


def test_what_a_policy_does_not_say_leaves_its_digest_as_it_was(world):
    policy = world.rules.policies["champion"]

    assert replace(policy, permits=PermitRules(days=DAYS)).digest == policy.digest
    assert replace(policy, permits=PermitRules(days=DAYS - 1)).digest != policy.digest
    assert replace(policy, permits=PermitRules(environment="production")).digest != policy.digest


def test_a_permit_is_renewed_near_its_end_and_not_before(world):
    first = world.promote()
    assert world.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}}) == first

    world.clock.now = _permit(world, first).terms.expires - RENEWAL
    second = world.promote()

    assert second != first
    assert [_permit(world, each).terms.counter for each in (first, second)] == [1, 2]
    assert world.champion() == 1


def test_each_permit_of_an_alias_has_a_higher_counter(world):
    world.promote()
    world.register(2)

    assert _permit(world, world.promote(2)).terms.counter == 2
