"""From staging to prod go the same bytes, with staging's permit, or nothing goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.steps.release.environments import main, origin_of
from flows.steps.release.promote import TREE
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.approvals_policy import open_project_rules
from handrail.errors import Misconfigured, Refused
from handrail.monitored import FORMAT
from handrail.settings import Settings
from tests.fakes.permitted_tree import SERVER, permit_tree, revoke, write_tree

BEFORE = {
    "name": "staging",
    "server": SERVER,
    "key": "config/environments/staging/gate.pub",
    "permits": "received/permits",
    "observed": "received/findings",
    "least_predictions": 500,
}


@pytest.fixture
def staging(tmp_path: Path) -> Settings:
    """Return staging, which permits a tree and has watched it for a month."""
    settings = Settings(project=tmp_path / "staging", home=tmp_path / "staging" / "home", environment="staging")
    write_tree(settings.project / TREE)
    permit_tree(settings, settings.project / TREE)
    watched(settings, 800)
    return settings


def watched(settings: Settings, predictions: int, digits: str | None = None) -> None:
    digits = digits or tree_digest(settings.project / TREE).removeprefix("sha256:")[:12]
    record = {
        "format": FORMAT,
        "deployment": f"deploy://staging/flights/v1-{digits}-0a1b2c3d",
        "performance": {"predictions": predictions},
        "findings": [{"kind": "drift", "state": "alert"}, {"kind": "health", "state": "ok"}],
    }
    folder = settings.home / "monitoring" / "findings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "2026-10.json").write_text(json.dumps(record))
    (folder / "2026-09.json").write_text("{")


@pytest.fixture
def prod(tmp_path: Path, staging: Settings) -> Settings:
    """Return prod, which holds the same bytes and what staging handed over."""
    settings = Settings(project=tmp_path / "prod", home=tmp_path / "prod" / "home", environment="prod")
    shutil.copytree(staging.project / TREE, settings.project / TREE)
    describe(settings)
    hand_over(staging, settings)
    return settings


def describe(prod: Settings, **changes: Any) -> None:
    prod.config.mkdir(exist_ok=True)
    environments = {"staging": {}, "prod": {"after": BEFORE | changes}}
    (prod.config / "environments.yaml").write_text(yaml.safe_dump({"version": 1, "environments": environments}))


def hand_over(staging: Settings, prod: Settings) -> None:
    shutil.rmtree(prod.project / "received", ignore_errors=True)
    shutil.copytree(staging.permits, prod.project / "received" / "permits")
    shutil.copytree(staging.home / "monitoring" / "findings", prod.project / "received" / "findings")
    key = prod.project / str(BEFORE["key"])
    key.parent.mkdir(parents=True, exist_ok=True)
    if not key.exists():
        shutil.copy(staging.permits / "gate.pub", key)


def test_the_permit_of_staging_and_what_was_seen_there_are_evidence_in_prod(prod: Settings) -> None:
    origin = origin_of(prod, prod.project, "champion")

    assert origin is not None
    assert (origin["permitted"], origin["environment"], origin["approvers"]) == (1, "staging", ["bea"])
    assert origin["tree_digest"] == tree_digest(prod.project / TREE)
    assert (origin["predictions"], origin["alerts"], origin["alerted"]) == (800, 1, ["drift"])
    assert origin["permit"] == "approval://test/pr-test"


def test_the_first_environment_and_a_project_without_environments_need_none(prod: Settings, staging: Settings) -> None:
    first = prod.model_copy(update={"environment": "staging"})

    assert origin_of(first, prod.project, "champion") is None
    assert origin_of(staging, staging.project, "champion") is None


def test_other_bytes_are_refused(prod: Settings) -> None:
    (prod.project / TREE / "MLmodel").write_text("flavors: {other: {}}\n")

    with pytest.raises(Refused, match="staging has no permit for these bytes"):
        origin_of(prod, prod.project, "champion")


def test_a_permit_under_the_name_of_other_bytes_is_refused(prod: Settings) -> None:
    (permit,) = (prod.project / "received" / "permits").rglob("*/champion/*.json")
    (prod.project / TREE / "MLmodel").write_text("flavors: {other: {}}\n")
    permit.rename(permit.with_name(f"{tree_digest(prod.project / TREE).removeprefix('sha256:')}.json"))

    with pytest.raises(Refused, match="The permit of staging does not hold"):
        origin_of(prod, prod.project, "champion")


def test_a_missing_permit_is_refused_with_what_to_do(prod: Settings) -> None:
    shutil.rmtree(prod.project / "received" / "permits")

    with pytest.raises(Refused, match="promoted in staging first, and copy its permits to received/permits"):
        origin_of(prod, prod.project, "champion")


def test_a_permit_that_another_key_signed_is_refused(prod: Settings, staging: Settings, tmp_path: Path) -> None:
    forger = Settings(project=tmp_path / "forger", home=tmp_path / "forger" / "home", environment="staging")
    shutil.copytree(staging.project / TREE, forger.project / TREE)
    permit_tree(forger, forger.project / TREE)
    watched(forger, 800)
    hand_over(forger, prod)

    with pytest.raises(Refused, match="The permit of staging does not hold"):
        origin_of(prod, prod.project, "champion")


@pytest.mark.parametrize(
    "changes",
    [{"environment": "dev"}, {"expires": "2026-01-02T00:00:00+00:00"}, {"issued": "2099-01-01T00:00:00+00:00"}],
)
def test_a_permit_for_another_environment_or_time_is_refused(
    prod: Settings, staging: Settings, changes: dict[str, str]
) -> None:
    permit_tree(staging, staging.project / TREE, **changes)
    hand_over(staging, prod)

    with pytest.raises(Refused, match="The permit of staging does not hold"):
        origin_of(prod, prod.project, "champion")


def test_a_permit_that_was_taken_back_is_refused(prod: Settings, staging: Settings) -> None:
    revoke(staging, "pr-test")
    hand_over(staging, prod)

    with pytest.raises(Refused, match="The permit of staging does not hold"):
        origin_of(prod, prod.project, "champion")


@pytest.mark.parametrize(("predictions", "digits"), [(499, None), (800, "0" * 12)])
def test_too_little_seen_of_these_bytes_is_refused(
    prod: Settings, staging: Settings, predictions: int, digits: str | None
) -> None:
    watched(staging, predictions, digits)
    hand_over(staging, prod)

    with pytest.raises(Refused, match=r"and 500 are wanted \(least_predictions\)"):
        origin_of(prod, prod.project, "champion")


def test_an_environment_that_is_not_named_is_one_sentence(prod: Settings) -> None:
    with pytest.raises(Misconfigured, match="it does not name 'qa'"):
        origin_of(prod.model_copy(update={"environment": "qa"}), prod.project, "champion")


def test_the_command_prints_the_evidence(
    prod: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("project", "home", "environment"):
        monkeypatch.setenv(f"HANDRAIL_{name.upper()}", str(getattr(prod, name)))

    assert main() == 0
    assert json.loads(capsys.readouterr().out)["permitted"] == 1
    shutil.rmtree(prod.project / "received")
    assert main() == 1
    assert "staging has no permit for these bytes" in capsys.readouterr().err


def test_an_environment_has_policies_of_its_own(tmp_path: Path) -> None:
    settings = Settings(project=tmp_path, home=tmp_path / "home", environment="prod")
    (settings.config / "policies").mkdir(parents=True)
    (settings.config / "environments" / "prod" / "policies").mkdir(parents=True)
    (settings.config / "roles.yaml").write_text("version: 1\npersons: {}\n")
    for folder, quorum in ((settings.config, 1), (settings.config / "environments" / "prod", 2)):
        policy = {"version": 2, "alias": "champion", "quorum": {"ml-engineer": quorum}, "rules": []}
        (folder / "policies" / "champion.yaml").write_text(yaml.safe_dump(policy))
    other = settings.model_copy(update={"environment": "dev"})

    quorums = [dict(open_project_rules(each).policy("flights", "champion").quorum) for each in (settings, other)]

    assert quorums == [{"ml-engineer": 2}, {"ml-engineer": 1}]
