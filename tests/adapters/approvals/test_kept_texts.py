"""Rules by the ledger: what came into force is judged by, whatever the files say by now."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.approvals.adapters.kept_texts import KeptRules, RulesByLedger, rule_set_of, rules_at
from handrail.approvals.domain.rule_changes import RulesInForce, Way
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals_ruling import RulesInMemory

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PERSONS = {"Ben": {"accounts": ["ben"], "roles": ["ml-engineer"]}}


class Project:
    """A project's files, and what rules by the ledger."""

    def __init__(self, folder):
        self.folder, self.config = folder, folder / "config"
        (self.config / "policies").mkdir(parents=True)
        self.records = RulesInMemory()
        self.rules = RulesByLedger(self.records)
        self.write("policies/champion.yaml", {"version": 2, "alias": "champion", "quorum": {"ml-engineer": 1}})
        self.write("roles.yaml", {"version": 1, "persons": PERSONS})

    def write(self, name, content):
        (self.config / name).write_text(yaml.safe_dump(content))

    def take(self, at=NOW):
        found = rule_set_of(FolderTexts(self.config), self.folder)
        KeptRules(found).check()
        self.records.take(RulesInForce(len(self.records.adopted), found, Way.OWNER, at, "root"))


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    project.take()
    return project


def test_before_anything_is_in_force_nothing_is_judged():
    rules = RulesByLedger(RulesInMemory())

    for ask in (rules.directory, lambda: rules.policy("m", "champion"), lambda: rules.protected("m", "champion")):
        with pytest.raises(Misconfigured, match="none are in force yet"):
            ask()


def test_a_file_counts_once_it_is_in_force(project):
    project.write("policies/champion.yaml", {"version": 2, "alias": "champion", "quorum": {"ml-engineer": 2}})
    project.write("roles.yaml", {"version": 1, "persons": {}})
    assert dict(project.rules.policy("m", "champion").quorum) == {"ml-engineer": 1}
    assert project.rules.directory().person_behind("ben")

    project.take()

    assert dict(project.rules.policy("m", "champion").quorum) == {"ml-engineer": 2}
    assert not project.rules.directory().persons


def test_a_removed_policy_protects_until_its_removal_is_in_force(project):
    project.write("policies/shadow.yaml", {"version": 2, "alias": "shadow", "quorum": {"ml-engineer": 1}})
    (project.config / "policies" / "champion.yaml").unlink()
    assert project.rules.protected("m", "Champion")
    assert not project.rules.protected("m", "shadow")

    project.take()

    assert not project.rules.protected("m", "champion")
    assert project.rules.protected("m", "shadow")
    with pytest.raises(UnknownReference):
        project.rules.policy("m", "champion")


def test_what_is_asked_before_persons_can_bring_others_into_force(project):
    rules = RulesByLedger(project.records, project.take)
    project.write("roles.yaml", {"version": 1, "persons": PERSONS | {"Eve": {"accounts": ["eve"]}}})

    assert rules.directory().person_behind("eve")


def test_comments_and_layout_are_no_difference(project):
    file = project.config / "policies" / "champion.yaml"
    before = rule_set_of(FolderTexts(project.config), project.folder)
    file.write_text(f"# a remark\n{yaml.safe_dump(yaml.safe_load(file.read_text()), default_flow_style=True)}")

    after = rule_set_of(FolderTexts(project.config), project.folder)

    assert after.digest == before.digest
    assert after.differing(before) == ()
    assert after.texts != before.texts


def test_how_the_gate_measures_is_kept_with_the_use_case_that_it_names(project):
    project.write("evaluation.yaml", {"version": 1, "models": {"m": {"use_case": "config/case.yaml"}}})
    with pytest.raises(Misconfigured, match=r"config/case\.yaml"):
        project.take()
    project.write("case.yaml", {"label": {}})

    found = rule_set_of(FolderTexts(project.config), project.folder)

    assert {"evaluation.yaml", "case.yaml"} < set(found.texts)
    with pytest.raises(Misconfigured, match=r"config/case\.yaml"):
        KeptRules(found).check()


@pytest.mark.parametrize("stray", ["champion.yml", "note.txt"])
def test_nothing_else_may_lie_among_the_policies(project, stray):
    project.write(f"policies/{stray}", {})

    with pytest.raises(Misconfigured, match=stray):
        project.take()


def test_at_an_earlier_moment_rules_what_was_in_force_then(project):
    later, file = NOW + timedelta(days=1), "policies/champion.yaml"
    project.write(file, {"version": 2, "alias": "champion", "quorum": {"ml-engineer": 2}})
    project.write("roles.yaml", {"version": 1, "persons": {}})
    project.take(later)
    moments = [later, later - timedelta(microseconds=1), NOW, NOW - timedelta(days=9)]

    found = [rules_at(project.records, moment) for moment in moments]

    assert [rules.policy("m", "champion").quorum["ml-engineer"] for rules in found] == [2, 1, 1, 1]
    assert [bool(rules.directory().person_behind("ben")) for rules in found] == [False, True, True, True]


def test_at_no_moment_rules_anything_before_the_first_start():
    with pytest.raises(Misconfigured, match="none are in force yet"):
        rules_at(RulesInMemory(), NOW)
