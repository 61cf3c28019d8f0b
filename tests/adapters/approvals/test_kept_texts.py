"""Rules that came into force mean what their files meant, the objectives that they require too."""

import shutil
from pathlib import Path

import pytest

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.approvals.adapters.kept_texts import KeptRules, KeptTexts, rule_set_of
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.errors import Misconfigured

SHIPPED = Path(__file__).parents[3] / "config"


@pytest.fixture
def project(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "config")
    return tmp_path


def _rules(project):
    return rule_set_of(FolderTexts(project / "config"), project)


def _require(project):
    file = project / "config" / "policies" / "champion.yaml"
    file.write_text(file.read_text().replace("quorum:", "objectives: [ranking]\nquorum:"))


def test_policies_in_force_are_those_of_the_files(project):
    _require(project)
    files = YamlRules(FolderTexts(project / "config")).policies()

    kept = KeptRules(_rules(project)).policies()

    assert {name: policy.digest for name, policy in kept.items()} == {n: policy.digest for n, policy in files.items()}


def test_objectives_are_kept_as_soon_as_a_policy_requires_one(project):
    before = _rules(project)
    assert "objectives.yaml" not in before.texts
    with pytest.raises(Misconfigured, match=r"objectives\.yaml, as it is in force: it is missing"):
        KeptTexts(before).objectives()

    _require(project)
    after = _rules(project)

    assert after.differing(before) == ("objectives.yaml", "policies/champion.yaml")
    assert "ranking" in KeptTexts(after).objectives().content


def test_a_changed_target_of_a_required_objective_is_a_changed_rule(project):
    _require(project)
    before = _rules(project)
    file = project / "config" / "objectives.yaml"
    file.write_text(file.read_text().replace("target: 0.74", "target: 0.70"))

    assert _rules(project).differing(before) == ("objectives.yaml",)
    assert KeptRules(before).policies()["champion"].rules[-1].at_least == 0.74


def test_a_policy_that_is_kept_keeps_its_objectives(project):
    _require(project)
    before = _rules(project)
    (project / "config" / "policies" / "champion.yaml").unlink()
    shutil.copy(SHIPPED / "policies" / "champion.yaml", project / "config" / "policies" / "shadow.yaml")

    kept = _rules(project).keeping(before)

    assert KeptTexts(kept).objectives().content == before.texts["objectives.yaml"]
