"""`handrail approvals policy`: what is wrong, what a change changes, and what it would have decided."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_log import open_ledger
from handrail.settings import load_settings
from tests.fakes.approvals import PEOPLE, RULES
from tests.fakes.approvals_world import World
from tests.fakes.command import handrail_command

CONFIG = Path(__file__).parents[3] / "config"
PERSONS = {person.name: {"accounts": sorted(person.accounts), "roles": sorted(person.roles)} for person in PEOPLE}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    shutil.copytree(CONFIG, tmp_path / "config")
    _write(tmp_path / "config")
    return tmp_path


@pytest.fixture
def call(monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "approvals", "policy")


def _said(rule):
    """The keys of a rule that its file has."""
    bounds = {name for name in ("at_least", "at_most", "equals") if getattr(rule, name) is not None}
    return bounds | {"measure", "if_replacing"}


def _write(config, persons=PERSONS, **changes):
    """Write roles, and the policy of the fakes with these changes."""
    (config / "roles.yaml").write_text(yaml.safe_dump({"version": 1, "persons": persons}))
    rules = [{name: value for name, value in asdict(rule).items() if name in _said(rule)} for rule in RULES]
    policy = {"version": 1, "alias": "champion", "quorum": {"ml-engineer": 1, "business-stakeholder": 1}}
    policy = {name: value for name, value in (policy | {"rules": rules} | changes).items() if value is not None}
    (config / "policies" / "champion.yaml").write_text(yaml.safe_dump(policy))


def _other(project, persons=PERSONS, **changes):
    shutil.copytree(project / "config", project / "other")
    _write(project / "other", persons, **changes)
    return project / "other"


def test_a_policy_that_can_be_met_passes(project, call):
    code, out, err = call("check")

    assert (code, err) == (0, "")
    assert "1 business-stakeholder, 1 ml-engineer" in out


@pytest.mark.parametrize(
    ("persons", "changes", "words"),
    [
        ({}, {}, "nobody holds the role ml-engineer, so nothing can be promoted"),
        (PERSONS, {"quorum": {"ml-engineer": 2}}, "all persons together leave 1 ml-engineer open"),
        (
            {"Eve": {"accounts": ["eve"], "roles": ["ml-engineer", "business-stakeholder"]}},
            {},
            "all persons together leave 1",
        ),
    ],
)
def test_a_quorum_that_nobody_can_meet_is_named(project, call, persons, changes, words):
    _write(project / "config", persons, **changes)

    code, _, err = call("check")

    assert (code, words in " ".join(err.split())) == (1, True)


def test_a_mistake_is_one_sentence_with_its_line(project, call):
    file = project / "config" / "policies" / "champion.yaml"
    file.write_text(file.read_text().replace("quorum:", "quorom:"))

    code, out, err = call("check")

    assert (code, out) == (1, "")
    assert "Did you mean 'quorum'?" in err


def test_what_a_change_changes_is_listed(project, call):
    other = _other(project, quorum={"ml-engineer": 2})

    code, out, _ = call("diff", other)

    assert code == 1
    assert out.splitlines() == ["quorum: business-stakeholder 1 → 0", "quorum: ml-engineer 1 → 2"]


def test_a_rule_that_changes_is_taken_out_and_put_in(project, call):
    other = _other(project, rules=[{"measure": "evaluation.roc_auc", "at_least": 0.8}])

    code, out, _ = call("diff", other, "--json")

    lines = json.loads(out)["differences"]
    assert code == 1
    assert "rule put in: evaluation.roc_auc at_least 0.8" in lines
    assert "rule taken out: evaluation.roc_auc at_least 0.74" in lines
    assert "rule taken out: parity.labels_differ equals 0.0" in lines


def test_the_same_policy_in_another_order_changes_nothing(project, call):
    code, out, _ = call("diff", _other(project, quorum={"business-stakeholder": 1, "ml-engineer": 1}))

    assert (code, "say the same" in out) == (0, True)


STEPS = {"steps": [{"ml-engineer": 1}, {"business-stakeholder": 1}], "quorum": None}


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (STEPS, ["step 1: business-stakeholder 1 → 0", "step 2: business-stakeholder 0 → 1"]),
        ({"reject": ["ml-engineer"]}, ["reject: not said → ml-engineer"]),
        (
            {"revoke": ["ml-engineer"], "permit_days": 30},
            ["permit_days: not said → 30", "revoke: not said → ml-engineer"],
        ),
        ({"seen": "required"}, ["seen: not said → required"]),
        ({"models": ["flights", "credit-*"]}, ["about: champion → champion of flights, credit-*"]),
    ],
)
def test_every_key_that_changes_has_a_line(project, call, changes, lines):
    code, out, _ = call("diff", _other(project, **changes), "--model", "flights")

    assert (code, out.splitlines()) == (1, lines)


def test_a_policy_of_another_model_is_compared_by_its_name(project, call):
    other = _other(project)
    policy = {"version": 2, "aliases": ["champion"], "models": ["credit-*"], "quorum": {"ml-engineer": 2}}
    (other / "policies" / "credit.yaml").write_text(yaml.safe_dump(policy))

    code, out, _ = call("diff", other, "--model", "credit-us")

    assert (code, "quorum: ml-engineer 1 → 2" in out.splitlines()) == (1, True)
    assert call("diff", other)[0] == 0


def test_what_each_file_is_about_is_shown(project, call):
    policy = {"version": 2, "aliases": ["champion"], "models": ["credit-*"], "steps": STEPS["steps"]}
    (project / "config" / "policies" / "credit.yaml").write_text(yaml.safe_dump(policy))

    _, out, err = call("check")

    assert "champion of credit-*" in out
    assert "1 ml-engineer, then 1 business-stakeholder" in out
    assert "no rule asks for evidence" in " ".join(err.split())


def test_files_that_are_equally_exact_are_named(project, call):
    policy = {"version": 2, "aliases": ["champion"], "quorum": {"ml-engineer": 1}}
    (project / "config" / "policies" / "other.yaml").write_text(yaml.safe_dump(policy))

    code, _, err = call("check")

    assert (code, "champion.yaml and other.yaml are equally exact about *@champion" in " ".join(err.split())) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"request": ["data-engineer"]}, 1, "nobody holds a role of 'request': data-engineer"),
        ({"break_glass": ["data-engineer"]}, 0, "nobody holds a role of 'break_glass': data-engineer"),
        ({"steps": [{"ml-engineer": 1}, {"ml-engineer": 1}], "quorum": None}, 1, "leave 1 ml-engineer open"),
    ],
)
def test_rights_and_steps_that_nobody_can_use_are_named(project, call, changes, code, words):
    _write(project / "config", **changes)

    found, _, err = call("check")

    assert (found, words in " ".join(err.split())) == (code, True)


def test_past_requests_are_judged_by_the_changed_policy(project, call):
    settings = load_settings()
    with open_platform(settings) as platform:
        world = World(ledger=open_ledger(settings, migrated(platform.store))[0])
        promoted = world.promote()
    before = _rows(settings)

    lenient = call("simulate", _other(project), "--json")
    _write(project / "other", quorum={"ml-engineer": 1, "business-stakeholder": 1, "data-engineer": 1})
    stricter = call("simulate", project / "other", "--json")
    _write(project / "other", rules=[{"measure": "evaluation.roc_auc", "at_least": 0.8}])
    higher = call("simulate", project / "other")

    (row,) = json.loads(lenient[1])
    assert (row["request_id"], row["before"], row["after"]) == (promoted, "approved", "approved")
    (row,) = json.loads(stricter[1])
    assert (row["before"], row["after"]) == ("approved", "pending")
    assert row["reasons"] == ["It still needs the approval of 1 data-engineer."]
    assert "Verdicts that change: 1 approved → refused of 1." in " ".join(higher[2].split())
    assert "the policy wants at least 0.8" in " ".join(higher[2].split())
    assert _rows(settings) == before


def test_without_requests_there_is_nothing_to_try(project, call):
    other = _other(project)
    code, _, err = call("simulate", other)
    assert (code, "Nothing is recorded here" in err) == (1, True)

    with open_platform(load_settings()) as platform:
        open_ledger(load_settings(), migrated(platform.store))
    code, _, err = call("simulate", other)
    assert (code, "Ask for a promotion first" in " ".join(err.split())) == (1, True)


def _rows(settings):
    with open_platform(settings) as platform:
        return [view.to_json() for view in platform.approvals.requests()]
