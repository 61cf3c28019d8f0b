"""`RuleBook`: the same promises by the fake and by YAML files."""

import pytest
import yaml

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.people import Directory, Person
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals import PEOPLE, QUORUM, RULES, FakeRules


class Memory:
    """Policies and persons of the fake."""

    def __init__(self):
        self.rules = FakeRules()

    def drop_policy(self):
        del self.rules.policies["champion"]

    def write_persons(self, *persons):
        self.rules.persons = persons


class Files:
    """Policies and persons in YAML files."""

    def __init__(self, folder):
        self.folder, self.rules = folder, YamlRules(FolderTexts(folder))
        rules = [{key: value for key, value in rule.to_json().items() if value not in (None, "")} for rule in RULES]
        policy = {"version": 1, "alias": "champion", "quorum": dict(QUORUM), "rules": rules}
        (folder / "policies").mkdir()
        (folder / "policies" / "champion.yaml").write_text(yaml.safe_dump(policy))
        self.write_persons(*PEOPLE)

    def drop_policy(self):
        (self.folder / "policies" / "champion.yaml").unlink()

    def write_persons(self, *persons):
        listed = {each.name: {"accounts": sorted(each.accounts), "roles": sorted(each.roles)} for each in persons}
        (self.folder / "roles.yaml").write_text(yaml.safe_dump({"version": 1, "persons": listed}))


@pytest.fixture(params=["memory", "yaml"])
def book(request, tmp_path):
    return Memory() if request.param == "memory" else Files(tmp_path)


@pytest.fixture
def rules(book):
    return book.rules


def test_an_alias_with_a_policy_is_protected(rules):
    assert rules.protected("flights", "champion")


def test_both_say_the_same_policy(rules):
    assert rules.policy("flights", "champion") == FakeRules().policy("flights", "champion")
    assert rules.policy("flights", "champion").digest == FakeRules().policy("flights", "champion").digest


def test_both_know_the_same_persons(rules):
    assert set(rules.directory().persons) == set(Directory(PEOPLE).persons)


def test_an_alias_without_a_policy_is_named(rules):
    with pytest.raises(UnknownReference, match="challenger"):
        rules.policy("flights", "challenger")


def test_an_alias_stays_protected_when_its_policy_is_removed(book):
    assert book.rules.protected("flights", "champion")

    book.drop_policy()

    assert book.rules.protected("flights", "champion")
    with pytest.raises(UnknownReference, match="champion"):
        book.rules.policy("flights", "champion")


def test_persons_are_read_again_at_each_look(book):
    dora = Person("Dora", frozenset({"dora"}), frozenset({"data-engineer"}))
    assert book.rules.directory().person_behind("dora") is None

    book.write_persons(*PEOPLE, dora)

    assert book.rules.directory().person_behind("dora") == dora


@pytest.mark.parametrize("account", ["ada", "ADA", "\uff41da"], ids=["same", "other case", "other width"])
def test_an_account_of_two_persons_is_refused(book, account):
    book.write_persons(*PEOPLE, Person("Dora", frozenset({account}), frozenset({"data-engineer"})))

    with pytest.raises(Misconfigured, match=account):
        book.rules.directory()
