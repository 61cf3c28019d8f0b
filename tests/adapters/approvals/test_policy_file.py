"""What the keys of a policy file mean that say what it is about, in which order persons decide, and who may do what."""

import shutil
from pathlib import Path

import pytest

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.rights import Action
from handrail.errors import Misconfigured

SHIPPED = Path(__file__).parents[3] / "config"
CLAIMED = Path(__file__).parents[2] / "fixtures" / "claimed" / "champion.yaml"
OTHER = "version: 2\nquorum: {data-engineer: 1}\n"


@pytest.fixture
def config(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "config")
    shutil.copy(CLAIMED, tmp_path / "config" / "policies")
    return tmp_path / "config"


def _rules(config):
    return YamlRules(FolderTexts(config))


def _policy(config, old, new):
    file = config / "policies" / "champion.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("alias: champion", "alias: 3", "'alias' is 3, expected a text"),
        ("alias: champion", "aliasses: [champion]", "'aliasses' is unknown. Did you mean 'aliases'?"),
        ("alias: champion", "environment: x", "'alias' is missing. Write 'alias' or 'aliases'"),
        ("alias: champion", "alias: champion\naliases: [x]", "'alias' stands beside 'aliases'"),
        ("alias: champion", "aliases: []", "'aliases' cannot be used: expected at least 1 entry"),
        ("alias: champion", "aliases: champion", "'aliases' is 'champion', expected a list"),
        ("alias: champion", 'aliases: [" "]', r"'aliases\[0\]' is ' ', expected a text"),
        (
            "alias: champion",
            "alias: champion\nmodels: ['a[bc]']",
            r"'models\[0\]' is 'a\[bc\]', expected a name in which",
        ),
        ("alias: champion", "alias: champion\nprompts: [7]", r"'prompts\[0\]' is 7, expected a text"),
        ("quorum:", "steps: [{ml-engineer: 1}]\nquorum:", "'quorum' stands beside 'steps'"),
        ("quorum:\n  ml-engineer: 1\n  business-stakeholder: 1\n", "steps: []\n", "'steps' .* at least 1 entry"),
        ("quorum:\n  ml-engineer: 1\n  business-stakeholder: 1\n", "steps: [{}]\n", r"'steps\[0\]' .* at least 1"),
        (
            "quorum:\n  ml-engineer: 1\n  business-stakeholder: 1\n",
            "",
            "'quorum' is missing. Write 'quorum' or 'steps'",
        ),
        ("rules:", "reject: []\nrules:", "'reject' cannot be used: expected at least 1 entry"),
        ("rules:", "break_glass: [ml-enginer]\nrules:", r"'break_glass\[0\]' .* Did you mean 'ml-engineer'"),
        ("rules:", "request_days: 0\nrules:", "'request_days' is 0, expected a number from 1 up"),
        ("rules:", "roll_back: ml-engineer\nrules:", "'roll_back' is 'ml-engineer', expected a list"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(config, old, new, words):
    _policy(config, old, new)

    with pytest.raises(Misconfigured, match=words) as caught:
        _rules(config).check()
    assert "champion.yaml" in str(caught.value)


def _write(config, name, text):
    (config / "policies" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_steps_and_rights_are_read(config):
    rights = "request: [data-scientist]\nreject: [ml-engineer]\nroll_back: [devops-engineer]\n"
    steps = "steps: [{ml-engineer: 2}, {business-stakeholder: 1, data-engineer: 1}]\n"
    _write(config, "champion", f"version: 2\nalias: champion\n{steps}{rights}break_glass: [solution-architect]\n")

    policy = _rules(config).policy("flights", "champion")

    assert policy.steps == ({"ml-engineer": 2}, {"business-stakeholder": 1, "data-engineer": 1})
    assert {str(action): sorted(policy.may(action)) for action in Action if action is not Action.REVOKE} == {
        "request": ["data-scientist"],
        "reject": ["ml-engineer"],
        "roll_back": ["devops-engineer"],
        "break_glass": ["solution-architect"],
    }


def test_one_step_says_the_same_as_a_quorum(config):
    one = _rules(config).policy("flights", "champion")
    _policy(
        config,
        "quorum:\n  ml-engineer: 1\n  business-stakeholder: 1",
        "steps:\n- ml-engineer: 1\n  business-stakeholder: 1",
    )

    assert _rules(config).policy("flights", "champion").digest == one.digest


def test_what_a_policy_is_about_is_left_out_of_its_digest(config):
    one = _rules(config).policy("flights", "champion")
    _policy(config, "alias: champion", "aliases: [champion, shadow]\nmodels: [flights]")

    assert _rules(config).policy("flights", "champion").digest == one.digest
    assert _rules(config).policy("flights", "shadow").digest != one.digest


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("aliases: [champion]", "champion.yaml and other.yaml are equally exact about .*@champion"),
        ("aliases: ['CHAMPION']\nmodels: ['*']", "equally exact about .*champion"),
        ("aliases: [shadow]\nprompts: [a]", None),
        ("aliases: [champion]\nmodels: [flights]", None),
        ("aliases: [champion]\nprompts: ['*']", None),
    ],
)
def test_two_policies_that_are_equally_exact_stop_the_start(config, scope, words):
    _write(config, "other", OTHER + scope)

    if words is None:
        _rules(config).check()
    else:
        with pytest.raises(Misconfigured, match=words) as caught:
            _rules(config).check()
        assert "Name models or aliases more exactly in one of them." in str(caught.value)


@pytest.mark.parametrize(
    "broken",
    [
        OTHER + "aliases: [shadow]\nmodels: ['credit-*']\nquorom: x",
        OTHER + "aliases: [shadow]\nmodels: 3",
        "aliases: [shadow]",
    ],
)
def test_a_policy_that_was_never_right_protects_what_it_says_and_rules_nothing(config, broken):
    _write(config, "credit", broken)
    rules = _rules(config)

    assert rules.protected("credit-us", "shadow")
    with pytest.raises(Misconfigured, match=r"credit\.yaml"):
        rules.policy("credit-us", "shadow")
    assert rules.policy("credit-us", "champion").quorum


def test_a_policy_that_breaks_keeps_what_it_was_about_and_lets_no_other_rule_there(config):
    _write(config, "credit", OTHER + "aliases: [champion]\nmodels: ['credit-*']")
    rules = _rules(config)
    assert dict(rules.policy("credit-us", "champion").quorum) == {"data-engineer": 1}

    _write(config, "credit", "version: [")

    assert rules.protected("credit-us", "champion")
    with pytest.raises(Misconfigured, match=r"credit\.yaml"):
        rules.policy("credit-us", "champion")
    assert len(rules.policy("flights", "champion").quorum) == 2


def test_a_file_that_cannot_be_read_protects_the_alias_that_it_is_called_like(config):
    (config / "policies" / "shadow.yaml").write_bytes("alias: ü".encode("latin-1"))
    rules = _rules(config)

    assert rules.protected("flights", "shadow")
    with pytest.raises(Misconfigured, match="not UTF-8"):
        rules.policy("flights", "shadow")


OBJECTIVE = "statement: x\n    kpi: x\n    kind: {kind}\n    target: 2\n    owner: ml-engineer"


def _want(config, kind="at-least", measure="evaluation.auc", name="wanted"):
    said = OBJECTIVE.format(kind=kind) + (f"\n    measure: {measure}" if measure else "")
    (config / "objectives.yaml").write_text(f"objectives:\n  wanted:\n    {said}\n", encoding="utf-8")
    _policy(config, "quorum:", f"objectives: [{name}]\nquorum:")


@pytest.mark.parametrize(("kind", "bounds"), [("at-least", (2, None)), ("at-most", (None, 2))])
def test_a_required_objective_is_a_rule_on_what_the_gate_measures(config, kind, bounds):
    before = _rules(config).policy("flights", "champion")
    _want(config, kind)

    policy = _rules(config).policy("flights", "champion")

    rule = policy.rules[-1]
    assert policy.rules[:-1] == before.rules
    assert (rule.measure, rule.at_least, rule.at_most, str(rule.level)) == ("evaluation.auc", *bounds, "recomputed")
    assert rule.because == "the objective wanted of ml-engineer"
    assert not rule.if_replacing
    assert policy.digest != before.digest


def test_an_objective_of_a_comparison_counts_while_there_is_something_to_compare_with(config):
    _want(config, measure="comparison.ci_low")

    assert _rules(config).policy("flights", "champion").rules[-1].if_replacing


def test_a_changed_objective_changes_the_policy_at_the_next_call(config):
    _want(config)
    rules = _rules(config)
    before = rules.policy("flights", "champion").digest
    file = config / "objectives.yaml"

    file.write_text(file.read_text().replace("target: 2", "target: 3"))

    assert rules.policy("flights", "champion").digest != before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "wantd"}, r"champion\.yaml: 'objectives' names 'wantd', which .*objectives\.yaml does not have"),
        ({"measure": None}, "names 'wanted', whose figure is not known before a promotion. Give it a measure"),
        ({"measure": "parity.x"}, r"'objectives\.wanted\.measure' is 'parity\.x', expected a text that fits"),
        ({"kind": "least"}, r"objectives\.yaml.*'objectives\.wanted\.kind'"),
    ],
)
def test_an_objective_that_cannot_be_required_is_named_and_refuses(config, changes, words):
    _want(config, **changes)
    rules = _rules(config)

    with pytest.raises(Misconfigured, match=words):
        rules.check()
    with pytest.raises(Misconfigured, match=words):
        rules.policy("flights", "champion")
    assert rules.protected("flights", "champion")


def test_objectives_that_are_gone_refuse(config):
    _want(config)
    (config / "objectives.yaml").unlink()

    with pytest.raises(Misconfigured, match="it is missing"):
        _rules(config).policy("flights", "champion")


def test_the_shipped_objectives_can_be_required(config):
    _policy(config, "quorum:", "objectives: [ranking, no-regression]\nquorum:")

    rules = _rules(config).policy("flights", "champion").rules[-2:]

    assert [(rule.measure, rule.at_least, rule.if_replacing) for rule in rules] == [
        ("evaluation.roc_auc", 0.74, False),
        ("comparison.ci_low", -0.005, True),
    ]
