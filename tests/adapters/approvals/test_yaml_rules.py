import shutil
from pathlib import Path

import pytest

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.approvals.adapters.yaml_evaluations import YamlEvaluations, files_of
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.people import Service
from handrail.errors import Misconfigured, UnknownReference

pytestmark = pytest.mark.any_version

SHIPPED = Path(__file__).parents[3] / "config"
CLAIMED = Path(__file__).parents[2] / "fixtures" / "claimed" / "champion.yaml"
SERVICE = "version: 1\npersons: {{Ben: {{accounts: [ben]}}}}\nservices: {{training: {{{}}}}}"


@pytest.fixture
def config(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "config")
    shutil.copy(CLAIMED, tmp_path / "config" / "policies")
    return tmp_path / "config"


def _rules(config):
    return YamlRules(FolderTexts(config))


def _policy(config, old, new, *, alias="champion"):
    file = config / "policies" / f"{alias}.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def _roles(config, text):
    (config / "roles.yaml").write_text(text, encoding="utf-8")


def test_the_shipped_roles_name_nobody(config):
    assert _rules(config).directory().persons == ()


def test_the_shipped_policy_wants_two_roles_and_quality_and_comparison_recomputed():
    policy = _rules(SHIPPED).policy("flights", "champion")

    assert dict(policy.quorum) == {"ml-engineer": 1, "business-stakeholder": 1}
    assert [(rule.measure, rule.at_least, rule.at_most, rule.equals, str(rule.level)) for rule in policy.rules] == [
        ("evaluation.roc_auc", 0.74, None, None, "recomputed"),
        ("evaluation.roc_auc", None, 0.90, None, "recomputed"),
        ("fairness.origin.false_negative_rate.difference_low", None, 0.15, None, "recomputed"),
        ("fairness.carrier.false_negative_rate.difference_low", None, 0.25, None, "recomputed"),
        ("parity.max_difference", None, 1e-5, None, "claimed"),
        ("parity.labels_differ", None, None, 0, "claimed"),
        ("comparison.ci_low", -0.005, None, None, "recomputed"),
    ]
    assert [rule.if_replacing for rule in policy.rules] == [False] * 6 + [True]
    assert _rules(SHIPPED).check() == ()


def test_what_the_shipped_policy_wants_recomputed_is_measured():
    plan = YamlEvaluations(files_of(SHIPPED.parent)).plan("flights")

    assert "roc_auc" in plan.metrics


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("quorum:", "quorom:", "'quorom' is unknown. Did you mean 'quorum'?"),
        ("at_least: 0.74", "atleast: 0.74", r"'rules\[0\].atleast' is unknown. Did you mean 'at_least'?"),
        ("at_most: 0.90", "at_most: 0.90\n    at_mots: 1", r"'rules\[1\].at_mots' is unknown"),
        ("measure: evaluation", "messure: evaluation", r"'rules\[0\].messure' is unknown. Did you mean 'measure'?"),
        ("ml-engineer: 1", "ml-enginer: 1", "'quorum.ml-enginer' is unknown. Did you mean 'ml-engineer'?"),
        ("ml-engineer: 1", "ml-engineer: 0", "'quorum.ml-engineer' is 0, expected a number from 1 up"),
        ("ml-engineer: 1", "ml-engineer: true", "'quorum.ml-engineer' is True, expected a whole number"),
        ("ml-engineer: 1", "ml-engineer: 1\n  ml-engineer: 2", "'ml-engineer' is written twice"),
        ("version: 1", "version: 3", "'version' is 3, expected 1 or 2"),
        ("version: 1", "version: 2", "rule 3, of 'parity.max_difference', lacks its level, one of claimed"),
        (
            "equals: 0",
            "equals: 0\n    level: bound",
            "rule 4, of 'parity.labels_differ', has a level",
        ),
        ("alias: champion", "alias: challenger", "'alias' must be 'champion'"),
        ("at_most: 1.0e-5", "at_most: 1e-5", "write 1.0e-5"),
        ("0.74", ".nan", "is nan, expected a finite number"),
        ("is_incumbent: true", "is_incumbent: 1", r"'rules\[5\].is_incumbent' is 1, expected true or false"),
        (
            "is_incumbent: true",
            "is_incumbent: true\n    at_least: 0",
            r"'rules\[5\]' cannot be used: it needs at_least, .* or else is_",
        ),
        (
            "is_incumbent: true",
            "is_incumbent: false",
            r"'rules\[5\]' cannot be used: it needs at_least, .* or else is_incumbent",
        ),
        ("0.74", ".inf", "is inf, expected a finite number"),
        ("0.74", "true", "is True, expected a number"),
        ("0.74", "", "at_least is empty, expected a finite number"),
        ("if_replacing: true", "if_replacing: 1", r"'rules\[4\].if_replacing' is 1, expected true or false"),
        ("equals: 0", "because: x", "written twice"),
        ("measure: parity.labels_differ", "measure: parity", "is 'parity', expected a text that fits"),
        ("rules:", "rules: [3]\nrest:", "'rest' is unknown"),
        ("is_incumbent: true", "is_incumbent: true\n    is_candidate: true", "or else is_incumbent or is_candidate"),
        ("rules:", "require: {reproduction: equal}\nrules:", "it belongs to version 2"),
        ("version: 1", "version: [", "it is not YAML"),
    ],
)
def test_a_mistake_in_a_policy_is_named_with_its_remedy(config, old, new, words):
    _policy(config, old, new)

    with pytest.raises(Misconfigured, match=words) as caught:
        _rules(config).check()
    assert "champion.yaml" in str(caught.value)


def test_an_equal_reproduction_can_be_required_by_one_word(config):
    digests = []
    for said in (
        "{reproduction: equal}",
        "{reproduction: equal, level: bound}",
        "{reproduction: equal, level: claimed}",
    ):
        text = f"version: 2\nalias: champion\nquorum: {{ml-engineer: 1}}\nrequire: {said}\n"
        (config / "policies" / "champion.yaml").write_text(text, encoding="utf-8")
        policy = _rules(config).policy("flights", "champion")
        digests.append(policy.digest)
        assert [rule.measure.partition(".")[0] for rule in policy.rules] == ["reproduction"] * 3
        assert {rule.level for rule in policy.rules} == {Level.CLAIMED if "claimed" in said else Level.BOUND}
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{}", "it requires nothing"),
        ("{level: bound}", "it requires nothing"),
        ("{reproduction: near}", "'require.reproduction' is 'near'"),
        ("{reproduction: equal, level: recomputed}", "'require.level' is 'recomputed'"),
        ("{lineages: complete}", "'require.lineages' is unknown"),
    ],
)
def test_a_requirement_that_says_nothing_is_a_mistake(config, said, words):
    text = f"version: 2\nalias: champion\nquorum: {{ml-engineer: 1}}\nrequire: {said}\n"
    (config / "policies" / "champion.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(Misconfigured, match=words):
        _rules(config).check()


@pytest.mark.parametrize(
    "text", ["", "3", "- a", "version: 1\nalias: champion\nquorum: {}", "version: 1\nalias: champion"]
)
def test_a_policy_that_demands_nobody_is_no_policy(config, text):
    (config / "policies" / "champion.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(Misconfigured):
        _rules(config).policy("flights", "champion")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\npersons: {Ben: {accounts: [ben], role: [ml-engineer]}}", "Did you mean 'roles'?"),
        ("version: 1\npersons: {Ben: {accounts: [ben], roles: [ml-enginer]}}", "Did you mean 'ml-engineer'?"),
        ("version: 1\npersons: {Ben: {accounts: ben, roles: []}}", "is 'ben', expected a list"),
        ("version: 1\npersons: {Ben: {accounts: [], roles: []}}", "expected at least 1 entry"),
        ("version: 1\npersons: {Ben: {accounts: [1], roles: []}}", "is 1, expected a text"),
        ("version: 1\npersons: {Ben: 3}", "is 3, expected 'key: value' lines"),
        ("version: 1\npersons: [Ben]", "expected 'key: value' lines"),
        ("version: 1\nperson: {}", "'person' is unknown. Did you mean 'persons'?"),
        (
            "version: 1\npersons: {Ben: {accounts: [ben]}, Bob: {accounts: [BEN]}}",
            "the account 'BEN' belongs to 'Ben' and 'Bob'",
        ),
        ("version: 1\npersons: {Ben: {accounts: [a]}, Ben: {accounts: [b]}}", "'Ben' is written twice"),
        ("persons: {}", "'version' is missing"),
        (SERVICE.format("accounts: [train]"), "owner.* is missing"),
        (SERVICE.format("accounts: [], owner: Ben"), "expected at least 1 entry"),
        (SERVICE.format("accounts: [train], owner: Bob"), "'Bob', the owner of the service 'training', is none of"),
        (SERVICE.format("accounts: [train], owner: ben"), "'ben', the owner of the service 'training', is none of"),
        (SERVICE.format("accounts: [Ben], owner: Ben"), "the account 'Ben' belongs to 'Ben' and 'training'"),
        (SERVICE.format("accounts: [t], owner: Ben, roles: [ml-engineer]"), "training.roles' is unknown"),
        (SERVICE.format("accounts: [t], owner: Ben").replace("training", "Ben"), "'Ben' is a person and a service"),
    ],
)
def test_a_mistake_in_the_roles_is_named_with_its_remedy(config, text, words):
    _roles(config, text)

    with pytest.raises(Misconfigured, match=words) as caught:
        _rules(config).directory()
    assert "roles.yaml" in str(caught.value)


def test_services_have_accounts_and_an_owner(config):
    _roles(config, SERVICE.format("accounts: [train, nightly], owner: Ben"))

    directory = _rules(config).directory()

    assert directory.services == (Service("training", frozenset({"train", "nightly"}), "Ben"),)
    assert directory.answerable("nightly").name == "Ben"
    assert directory.person_behind("nightly") is None


def test_missing_files_are_named(config):
    (config / "roles.yaml").unlink()
    with pytest.raises(Misconfigured, match=r"roles\.yaml: it is missing"):
        _rules(config).directory()

    shutil.rmtree(config / "policies")
    with pytest.raises(Misconfigured, match="no alias has a policy"):
        _rules(config).check()


@pytest.mark.parametrize("alias", ["challenger", "../roles", "", "Champion", "*"])
def test_an_alias_without_a_file_has_no_policy(config, alias):
    with pytest.raises(UnknownReference, match="champion"):
        _rules(config).policy("flights", alias)


def test_an_alias_stays_protected_when_its_policy_is_broken_or_removed(config):
    rules = _rules(config)
    assert rules.protected("flights", "champion")

    _policy(config, "version: 1", "version: [")
    assert rules.protected("flights", "champion")
    (config / "policies" / "champion.yaml").unlink()
    assert rules.protected("flights", "champion")


def test_files_are_read_anew_at_each_look_and_comments_do_not_count(config):
    rules = _rules(config)
    before = rules.policy("flights", "champion").digest

    _policy(config, "version: 1", "# changed nothing\nversion: 1")
    assert rules.policy("flights", "champion").digest == before

    _policy(config, "0.74", "0.50")
    assert rules.policy("flights", "champion").digest != before
    _roles(config, "version: 1\npersons: {Ben: {accounts: [ben], roles: [ml-engineer]}}")
    assert rules.directory().person_behind("ben").roles == {"ml-engineer"}


def test_a_policy_in_a_file_of_another_ending_protects_nothing_less_and_is_named(config):
    (config / "policies" / "champion.yaml").rename(config / "policies" / "champion.yml")
    rules = _rules(config)

    with pytest.raises(UnknownReference, match=r"champion\.yml is not read: rename it to champion\.yaml"):
        rules.policy("flights", "champion")
    with pytest.raises(Misconfigured, match=r"champion\.yml: .* Rename it to champion\.yaml"):
        rules.check()
    assert rules.protected("flights", "champion")


def test_a_policy_of_version_1_claims_and_one_of_version_2_wants_quality_and_comparison_recomputed(config):
    old = _rules(config)
    digest = old.policy("flights", "champion").digest
    assert {rule.level for rule in old.policy("flights", "champion").rules} == {Level.CLAIMED}
    (sentence,) = old.check()
    assert "champion.yaml is of version 1: it takes every number as its sender claims it" in sentence

    _policy(config, "version: 1", "version: 2")
    _policy(config, "at_most: 1.0e-5", "at_most: 1.0e-5\n    level: bound")
    _policy(config, "equals: 0", "equals: 0\n    level: claimed")

    new = _rules(config)
    levels = [str(rule.level) for rule in new.policy("flights", "champion").rules]
    assert levels == ["recomputed", "recomputed", "bound", "claimed", "recomputed", "recomputed"]
    assert new.check() == ()
    assert new.policy("flights", "champion").digest != digest


@pytest.mark.parametrize(
    "name", ["champion.yml", "champion.yaml.bak", "README.md", ".champion.yaml", "old/x.yaml", "x"]
)
def test_anything_else_among_the_policies_stops_the_start(config, name):
    file = config / "policies" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("version: 1\n")

    with pytest.raises(Misconfigured, match=name.split("/")[0].replace(".", r"\.")):
        _rules(config).check()


def test_the_file_that_keeps_a_folder_in_git_is_no_policy(config):
    (config / "policies" / ".gitkeep").touch()

    _rules(config).check()
