"""`RuleBook`: the same promises by the fake and by YAML files."""

import pytest
import yaml

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.people import Directory, Person
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.scope import Scope
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals import PEOPLE, QUORUM, RULES
from tests.fakes.approvals_rules import FakeRules


class Memory:
    """Policies and persons of the fake."""

    def __init__(self):
        self.rules = FakeRules()

    def drop_policy(self, name="champion"):
        del self.rules.policies[name]

    def write_policy(self, name, scope, role):
        self.rules.policies[name] = Policy("", {role: 1}, (), scope=scope)

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

    def drop_policy(self, name="champion"):
        (self.folder / "policies" / f"{name}.yaml").unlink()

    def write_policy(self, name, scope, role):
        said = {key: list(getattr(scope, key)) for key in ("aliases", "models", "prompts") if getattr(scope, key)}
        text = yaml.safe_dump({"version": 2, "quorum": {role: 1}} | said)
        (self.folder / "policies" / f"{name}.yaml").write_text(text)

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


def _demand(book, name, aliases, models=("*",), prompts=(), role="ml-engineer"):
    book.write_policy(name, Scope(tuple(aliases), tuple(models), tuple(prompts)), role)


def test_the_most_exact_policy_rules(book):
    _demand(book, "credit", ["champion"], ["credit-*"], role="data-engineer")
    _demand(book, "us", ["champion", "shadow"], ["Credit-US"], role="devops-engineer")

    def ruling(model, alias="champion"):
        return sorted(book.rules.policy(model, alias).quorum)

    assert ruling("flights") == sorted(QUORUM)
    assert ruling("credit-eu") == ruling("CREDIT-eu") == ["data-engineer"]
    assert ruling("credit-us") == ruling("credit-us", "shadow") == ["devops-engineer"]
    assert book.rules.policy("credit-us", "shadow").alias == "shadow"
    assert book.rules.protected("credit-us", "SHADOW")
    assert not book.rules.protected("credit-eu", "shadow")
    with pytest.raises(UnknownReference, match="shadow"):
        book.rules.policy("credit-eu", "shadow")


def test_two_policies_that_are_equally_exact_refuse(book):
    _demand(book, "one", ["champion"], ["cred*"])
    _demand(book, "two", ["champion"], ["*risk"], role="data-engineer")

    with pytest.raises(Misconfigured, match="equally exact about credit-risk@champion"):
        book.rules.policy("credit-risk", "champion")
    assert book.rules.protected("credit-risk", "champion")
    assert sorted(book.rules.policy("a-risk", "champion").quorum) == ["data-engineer"]


def test_prompts_have_a_policy_only_if_one_names_them(book):
    assert not book.rules.protected("greeting", "champion", prompt=True)
    with pytest.raises(UnknownReference):
        book.rules.policy("greeting", "champion", prompt=True)

    _demand(book, "prompts", ["production"], [], ["greet*"])

    assert book.rules.protected("greeting", "Production", prompt=True)
    assert sorted(book.rules.policy("greeting", "production", prompt=True).quorum) == ["ml-engineer"]
    assert not book.rules.protected("greeting", "production")
    assert not book.rules.protected("other", "production", prompt=True)


def test_what_a_policy_was_about_stays_protected_when_it_is_removed(book):
    _demand(book, "credit", ["shadow"], ["credit-*"])
    assert book.rules.protected("credit-us", "shadow")

    book.drop_policy("credit")

    assert book.rules.protected("credit-us", "shadow")
    assert not book.rules.protected("flights", "shadow")
    with pytest.raises(UnknownReference):
        book.rules.policy("credit-us", "shadow")


def test_an_alias_is_asked_for_in_its_folded_spelling(book):
    with pytest.raises(UnknownReference):
        book.rules.policy("flights", "Champion")
