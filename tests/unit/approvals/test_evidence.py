import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.evidence import Evidence, Level, find, merged
from handrail.approvals.domain.policy import Policy, Rule, failed_rules, measure_rules
from tests.fakes.effort import tried

LEVELS = list(Level)
WHO = {"claimed": "ada", "bound": "ben"}
RULE = Rule("evaluation.roc_auc", at_least=0.74, level=Level.RECOMPUTED, because="worth it")


def _said(value, level=Level.CLAIMED, by=None):
    return Evidence(level, by or WHO.get(level, "the gate"), {"evaluation": {"roc_auc": value}})


def _policy(*rules):
    return Policy("champion", {"ml-engineer": 1}, rules)


def test_the_levels_are_ordered_from_the_senders_word_up():
    assert [str(level) for level in LEVELS] == ["claimed", "bound", "attested", "recomputed", "prospective"]
    for place, level in enumerate(LEVELS):
        assert [level.reaches(wanted) for wanted in LEVELS] == [True] * (place + 1) + [False] * (4 - place)


def test_a_rule_that_is_met_at_a_lower_level_is_not_met():
    (sentence,) = failed_rules(_policy(RULE), [_said(0.80)], replacing=False)

    assert sentence == "evaluation.roc_auc is 0.8, claimed by ada; the policy wants it recomputed (worth it)."


def test_what_was_measured_counts_whatever_was_claimed_beside_it():
    evidence = [_said(0.80), _said(0.67, Level.RECOMPUTED)]

    (sentence,) = failed_rules(_policy(RULE), evidence, replacing=False)

    assert sentence == (
        "evaluation.roc_auc is 0.67, recomputed by the gate; the policy wants at least 0.74 (worth it). "
        "0.8 was claimed by ada."
    )
    assert failed_rules(_policy(RULE), [_said(0.1), _said(0.75, Level.RECOMPUTED)], replacing=False) == ()


def test_a_rule_of_a_low_level_is_judged_by_the_most_trusted_value():
    rule = Rule("evaluation.roc_auc", at_least=0.74)

    assert failed_rules(_policy(rule), [_said(0.80), _said(0.67, Level.RECOMPUTED)], replacing=False) != ()


def test_a_measure_that_nobody_knows_names_the_level_that_is_wanted():
    (sentence,) = failed_rules(_policy(RULE), [_said(0.8)], replacing=False)
    (absent,) = failed_rules(_policy(RULE), [], replacing=False)

    assert "claimed by ada" in sentence
    assert absent.endswith("which has no names; the policy wants it recomputed.")


def test_the_incumbent_has_to_be_named_at_the_level_of_its_rule():
    rule = Rule("comparison.incumbent", is_incumbent=True, level=Level.RECOMPUTED)
    sent = Evidence(Level.CLAIMED, "ada", {"comparison": {"incumbent": "sha256:aa"}})
    seen = Evidence(Level.RECOMPUTED, "the gate", {"comparison": {"incumbent": "sha256:aa"}})

    assert failed_rules(_policy(rule), [sent], replacing=True, incumbent_tree="sha256:aa") != ()
    assert failed_rules(_policy(rule), [sent, seen], replacing=True, incumbent_tree="sha256:aa") == ()


def test_each_rule_says_value_level_and_who_answers_for_it():
    other = Rule("parity.labels_differ", equals=0)

    rows = [one.to_json() for one in measure_rules(_policy(RULE, other), [_said(0.8)], replacing=False)]

    assert [tuple(row.values()) for row in rows] == [
        ("evaluation.roc_auc", 0.8, "claimed", "ada", "recomputed", False),
        ("parity.labels_differ", None, None, None, "claimed", False),
    ]
    assert list(rows[0]) == ["measure", "value", "level", "by", "wanted", "met"]


def test_a_policy_without_levels_keeps_its_digest():
    assert "level" not in Rule("a.b", at_most=1).to_json()
    assert Rule("a.b", at_most=1, level=Level.BOUND).to_json()["level"] == "bound"


@given(
    wanted=st.sampled_from(LEVELS),
    said=st.lists(st.tuples(st.sampled_from(LEVELS), st.floats(0, 1)), max_size=5),
    least=st.floats(0, 1),
)
@tried(200)
def test_a_rule_is_met_only_by_the_most_trusted_value_and_only_at_its_level(wanted, said, least):
    rule = Rule("evaluation.roc_auc", at_least=least, level=wanted)
    evidence = [_said(value, level) for level, value in said]
    best = max((LEVELS.index(level) for level, _ in said), default=-1)
    values = [value for level, value in said if LEVELS.index(level) == best]

    failures = failed_rules(_policy(rule), evidence, replacing=False)

    allowed = best >= LEVELS.index(wanted) and bool(values) and values[0] >= least
    assert (failures == ()) is allowed


@pytest.mark.parametrize("measure", ["evaluation.roc_auc", "evaluation", "evaluation.none", "x.y"])
def test_a_measure_is_found_by_its_keys(measure):
    found = find(measure, [_said(0.5), _said(0.6, Level.BOUND)])

    expected = {"evaluation.roc_auc": [0.6, 0.5], "evaluation": [{"roc_auc": 0.6}, {"roc_auc": 0.5}]}.get(measure, [])
    assert [one.value for one in found] == expected


def test_names_are_merged_with_the_more_trusted_in_front():
    assert merged([_said(0.6, Level.BOUND), _said(0.5)]) == {"evaluation": {"roc_auc": 0.6}}
