"""`RuleBook`: the same promises by the fake and by YAML files."""

import pytest
import yaml

from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.people import Directory
from handrail.errors import UnknownReference
from tests.fakes.approvals import PEOPLE, QUORUM, RULES, FakeRules


def _yaml_rules(folder):
    (folder / "policies").mkdir()
    rules = [{key: value for key, value in rule.to_json().items() if value not in (None, "")} for rule in RULES]
    policy = {"version": 1, "alias": "champion", "quorum": dict(QUORUM), "rules": rules}
    (folder / "policies" / "champion.yaml").write_text(yaml.safe_dump(policy))
    persons = {person.name: {"accounts": sorted(person.accounts), "roles": sorted(person.roles)} for person in PEOPLE}
    (folder / "roles.yaml").write_text(yaml.safe_dump({"version": 1, "persons": persons}))
    return YamlRules(folder)


@pytest.fixture(params=["memory", "yaml"])
def rules(request, tmp_path):
    return FakeRules() if request.param == "memory" else _yaml_rules(tmp_path)


def test_an_alias_with_a_policy_is_protected(rules):
    assert rules.protected() == {"champion"}


def test_both_say_the_same_policy(rules):
    assert rules.policy("champion") == FakeRules().policy("champion")
    assert rules.policy("champion").digest == FakeRules().policy("champion").digest


def test_both_know_the_same_persons(rules):
    assert set(rules.directory().persons) == set(Directory(PEOPLE).persons)


def test_an_alias_without_a_policy_is_named(rules):
    with pytest.raises(UnknownReference, match="challenger"):
        rules.policy("challenger")
