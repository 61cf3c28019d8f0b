import itertools
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.evidence import Evidence, Level
from handrail.approvals.domain.people import Directory, Person, RoleName
from handrail.approvals.domain.policy import Policy, Rule, why_not_eligible
from handrail.approvals.domain.policy import failed_rules as failed_rules_of
from handrail.approvals.domain.quorum import missing_roles
from tests.fakes.approvals import EVIDENCE, PEOPLE, QUORUM, RULES

POLICY = Policy("champion", QUORUM, RULES)
ADA, BEN, CLEO = PEOPLE


def failed_rules(policy, evidence, **more):
    return failed_rules_of(policy, [Evidence(Level.CLAIMED, "ada", evidence)], **more)


def _evidence(**evaluation):
    return EVIDENCE | {"evaluation": evaluation}


def test_good_evidence_meets_every_rule():
    assert failed_rules(POLICY, EVIDENCE, replacing=False) == ()


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (_evidence(roc_auc=0.70), "evaluation.roc_auc is 0.7, claimed by ada; the policy wants at least 0.74."),
        (_evidence(roc_auc=0.95), "evaluation.roc_auc is 0.95, claimed by ada; the policy wants at most 0.9."),
        (_evidence(), "evaluation.roc_auc is not in the evidence"),
        ({"parity": EVIDENCE["parity"]}, "evaluation.roc_auc is not in the evidence"),
        (_evidence(roc_auc="0.8"), "is '0.8', claimed by ada, which is not a finite number"),
        (_evidence(roc_auc=True), "is True, claimed by ada, which is not a finite number"),
        (_evidence(roc_auc=None), "is None, claimed by ada, which is not a finite number"),
        (_evidence(roc_auc=math.nan), "is nan, claimed by ada, which is not a finite number"),
        (_evidence(roc_auc=math.inf), "is inf, claimed by ada, which is not a finite number"),
        (EVIDENCE | {"parity": {"max_difference": 2e-5, "labels_differ": 0}}, "wants at most 1e-05"),
        (EVIDENCE | {"parity": {"max_difference": 0, "labels_differ": 1}}, "wants exactly 0"),
        (_evidence(roc_auc=10**400), "the policy wants at most 0.9"),
        (EVIDENCE | {"parity": 3}, "parity.max_difference is not in the evidence"),
    ],
)
def test_each_broken_rule_says_so(evidence, words):
    assert any(words in sentence for sentence in failed_rules(POLICY, evidence, replacing=False))


BOUNDS = (0.74, 1e-5, -0.005, 0.0, 1.0, 3, 2**60)


def _around(bound):
    """Return the bound itself and the nearest numbers below and above it, each also as a whole number if it is one."""
    near = math.nextafter(bound, -math.inf), float(bound), math.nextafter(bound, math.inf)
    wholes = [(int(bound) + step, step) for step in (-1, 0, 1)] if bound == int(bound) else []
    return [*zip(near, (-1, 0, 1), strict=True), *wholes]


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize(("operator", "sides"), [("at_least", {0, 1}), ("at_most", {-1, 0}), ("equals", {0})])
def test_a_bound_itself_is_within_and_the_next_number_beyond_it_is_not(operator, sides, bound):
    policy = Policy("x", QUORUM, (Rule("a.b", **{operator: bound}),))

    for value, side in _around(bound):
        assert (failed_rules(policy, {"a": {"b": value}}, replacing=False) == ()) is (side in sides), value


def test_equal_lower_and_upper_bounds_leave_one_number():
    policy = Policy("x", QUORUM, (Rule("a.b", at_least=0.5, at_most=0.5),))

    met = [side for value, side in _around(0.5) if not failed_rules(policy, {"a": {"b": value}}, replacing=False)]

    assert met == [0]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({}, "which has no names"),
        ({"eval": {"auc": 1}, "parity": {}}, "which has 'eval', 'parity'"),
        ({"a": {"auc": 1}}, "whose 'a' has 'auc'"),
        ({"a": 1}, "whose 'a' has no names"),
        ({str(number): 1 for number in range(10)}, "'7', 2 more"),
    ],
)
def test_a_measure_that_is_missing_is_named_beside_what_was_sent(evidence, words):
    policy = Policy("x", QUORUM, (Rule("a.b", at_least=0.5),))

    (sentence,) = failed_rules(policy, evidence, replacing=False)

    assert sentence.startswith("a.b is not in the evidence, ")
    assert sentence.endswith(f"{words}; send it.")


def test_a_comparison_is_wanted_only_when_another_version_would_be_replaced():
    assert failed_rules(POLICY, EVIDENCE, replacing=False) == ()

    assert "comparison.ci_low is not in the evidence" in failed_rules(POLICY, EVIDENCE, replacing=True)[0]
    assert failed_rules(POLICY, EVIDENCE | {"comparison": {"ci_low": -0.004}}, replacing=True) == ()
    assert failed_rules(POLICY, EVIDENCE | {"comparison": {"ci_low": -0.006}}, replacing=True) != ()


@pytest.mark.parametrize(
    ("named", "tree", "fails"),
    [
        ("sha256:aa", "sha256:aa", False),
        ("sha256:bb", "sha256:aa", True),
        ("sha256:aa", None, True),
        (None, None, True),
        (1, "sha256:aa", True),
    ],
)
def test_a_comparison_with_another_tree_than_the_incumbents_does_not_count(named, tree, fails):
    policy = Policy("x", QUORUM, (Rule("comparison.incumbent", is_incumbent=True, if_replacing=True),))
    evidence = {"comparison": {"incumbent": named}}

    failures = failed_rules(policy, evidence, replacing=True, incumbent_tree=tree)

    assert bool(failures) is fails
    assert failed_rules(policy, {}, replacing=True, incumbent_tree=tree) == (
        "comparison.incumbent is not in the evidence, which has no names; send it.",
    )
    assert failed_rules(policy, {}, replacing=False) == ()


@pytest.mark.parametrize(
    ("because", "shown"), [("", ""), ("a weaker one proves little", " (a weaker one proves little)")]
)
def test_another_tree_than_the_incumbents_is_named_with_the_reason_of_the_rule(because, shown):
    policy = Policy("x", QUORUM, (Rule("a.b", is_incumbent=True, because=because),))

    assert failed_rules(policy, {"a": {"b": "sha256:bb"}}, replacing=True, incumbent_tree="sha256:aa") == (
        f"a.b is 'sha256:bb', claimed by ada; the alias points at sha256:aa{shown}.",
    )


def test_a_policy_that_does_not_ask_for_the_incumbent_keeps_its_digest():
    assert "is_incumbent" not in Rule("a.b", at_most=1).to_json()
    assert Rule("a.b", is_incumbent=True).to_json()["is_incumbent"] is True


def test_the_reason_of_a_rule_is_shown():
    rule = Rule("a.b", at_most=1, because="leaks look like this")

    assert "leaks look like this" in failed_rules(Policy("x", QUORUM, (rule,)), {"a": {"b": 2}}, replacing=False)[0]


_values = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=True, allow_infinity=True), st.just("1")
)
_bounds = st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 0.5, 1.0]))
_rules = st.builds(
    Rule,
    measure=st.sampled_from(["a.x", "a.y", "b.x", "b.deep.x", "c.x"]),
    at_least=_bounds,
    at_most=_bounds,
    equals=_bounds,
    if_replacing=st.booleans(),
)
_contents = st.dictionaries(st.sampled_from(["x", "y"]), _values) | st.fixed_dictionaries(
    {"deep": st.dictionaries(st.just("x"), _values)}
)


def _oracle_allows(rule, evidence, replacing):
    """The rule's meaning, written once more in another way: every comparison must positively hold."""
    if rule.if_replacing and not replacing:
        return True
    flat = {}
    for name, content in evidence.items():
        for key, value in content.items():
            if isinstance(value, dict):
                flat.update({f"{name}.{key}.{inner}": number for inner, number in value.items()})
            else:
                flat[f"{name}.{key}"] = value
    number = flat.get(rule.measure)
    if type(number) not in (int, float) or number in (math.inf, -math.inf) or number != number:
        return False
    low = -math.inf if rule.at_least is None else rule.at_least
    high = math.inf if rule.at_most is None else rule.at_most
    return low <= number <= high and rule.equals in (None, number)


@given(
    rules=st.lists(_rules, max_size=5),
    evidence=st.dictionaries(st.sampled_from(["a", "b"]), _contents),
    replacing=st.booleans(),
)
def test_rules_agree_with_an_independent_oracle(rules, evidence, replacing):
    failures = failed_rules(Policy("champion", QUORUM, tuple(rules)), evidence, replacing=replacing)

    assert len(failures) == sum(not _oracle_allows(rule, evidence, replacing) for rule in rules)


_some_roles = get_args(RoleName)[:3]
_quorums = st.dictionaries(st.sampled_from(_some_roles), st.integers(1, 2))
_persons = st.lists(st.frozensets(st.sampled_from(_some_roles)), max_size=5).map(
    lambda groups: [Person(f"p{index}", frozenset({f"a{index}"}), roles) for index, roles in enumerate(groups)]
)


def _oracle_quorum(quorum, persons):
    """Try every way to seat distinct persons in the places."""
    places = [role for role, count in quorum.items() for _ in range(count)]
    return bool(places) and any(
        all(role in person.roles for role, person in zip(places, seated, strict=True))
        for seated in itertools.permutations(persons, len(places))
    )


@given(quorum=_quorums, persons=_persons)
def test_a_quorum_agrees_with_an_independent_oracle(quorum, persons):
    assert (not missing_roles(quorum, persons)) == _oracle_quorum(quorum, persons)


@given(quorum=_quorums, persons=_persons, order=st.randoms())
def test_the_order_of_approvals_and_repeats_change_nothing(quorum, persons, order):
    shuffled = [*persons, *persons]
    order.shuffle(shuffled)

    assert missing_roles(quorum, shuffled) == missing_roles(quorum, persons)


def test_an_empty_quorum_is_never_met():
    assert missing_roles({}, list(PEOPLE)) == {"anyone": 1}


def test_one_person_with_two_roles_fills_one_place():
    both = Person("Both", frozenset({"both"}), frozenset(QUORUM))

    assert sum(missing_roles(QUORUM, [both]).values()) == 1
    assert missing_roles(QUORUM, [both, BEN]) == {}
    assert missing_roles(QUORUM, [both, CLEO]) == {}


def test_the_author_cannot_decide_with_any_account():
    assert "made the candidate" in why_not_eligible("ben-2", Directory(PEOPLE), POLICY, ["ben"], "ada")
    assert "made the candidate" in why_not_eligible("ben", Directory(PEOPLE), POLICY, ["ada", "BEN"], "ada")


def test_the_requester_cannot_decide():
    assert "asked for the promotion" in why_not_eligible("ben", Directory(PEOPLE), POLICY, ["ada"], "ben-2")


def test_an_account_that_nobody_has_cannot_decide():
    assert "belongs to nobody" in why_not_eligible("root", Directory(PEOPLE), POLICY, ["ada"], "ada")


def test_a_person_without_a_role_of_the_policy_cannot_decide():
    refusal = why_not_eligible("ada", Directory(PEOPLE), POLICY, ["dora"], "dora")

    assert "business-stakeholder, ml-engineer" in refusal


def test_a_policy_digest_covers_all_that_the_policy_says():
    variants = [
        POLICY,
        Policy("champion", {"ml-engineer": 1}, RULES),
        Policy("champion", {"ml-engineer": 2, "business-stakeholder": 1}, RULES),
        Policy("champion", QUORUM, RULES[1:]),
        Policy("champion", QUORUM, (Rule("evaluation.roc_auc", at_least=0.73), *RULES[1:])),
        Policy("challenger", QUORUM, RULES),
    ]

    assert len({policy.digest for policy in variants}) == len(variants)
    assert Policy("champion", dict(reversed(QUORUM.items())), RULES).digest == POLICY.digest
