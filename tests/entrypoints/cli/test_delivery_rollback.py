"""`handrail delivery rollback`, over a project with two deployed versions."""

import json

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_deployments
from handrail.entrypoints.cli import build
from handrail.errors import InvalidInput, Refused
from handrail.settings import Settings
from tests.fakes.deployed_versions import SLOT, deploy_versions
from tests.fakes.permitted_tree import revoke

WHY = ("--reason", "late arrivals are missed", "--by", "ada", "--service", "flights")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A project that deployed v1, then v2, each with its permit."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: flights\n")
    for name, value in (("PROJECT", tmp_path), ("HOME", tmp_path / "home")):
        monkeypatch.setenv(f"HANDRAIL_{name}", str(value))
    settings = Settings(project=tmp_path, home=tmp_path / "home", model_name="flights")
    with open_platform(settings) as platform:
        deploy_versions(settings, platform)
    return settings


def run(*arguments):
    return CliRunner().invoke(build(), ["delivery", *arguments])


def target(settings):
    with open_platform(settings) as platform:
        return open_deployments(platform).target(SLOT.pointer)


def test_the_slot_goes_back_to_the_deployment_before_with_who_and_why(settings):
    done = run("rollback", *WHY)
    shown = json.loads(run("show", "--service", "flights", "--json").stdout)

    assert done.exit_code == 0, done.output
    assert "went back from deploy://local/flights/v2 to deploy://local/flights/v1" in done.stdout
    assert target(settings) == shown["deployment"] == "deploy://local/flights/v1"
    (row,) = shown["swaps"]
    assert (row["by"], row["outcome"], row["deployment"]) == ("ada", "rolled back", "deploy://local/flights/v2")
    assert row["reason"] == "late arrivals are missed"


def test_what_was_rolled_back_is_not_gone_back_to(settings):
    run("rollback", *WHY)
    again = run("rollback", *WHY)

    assert isinstance(again.exception, Refused)
    assert "No earlier deployment is recorded" in str(again.exception)
    assert target(settings) == "deploy://local/flights/v1"


@pytest.mark.parametrize("how", ["altered", "taken back"])
def test_nobody_goes_back_to_what_may_not_be_served(settings, how):
    if how == "altered":
        (settings.home / "bentoml" / "bentos" / "flights" / "v1" / "src" / "model" / "MLmodel").write_text("altered")
    else:
        revoke(settings, "pr-1")

    refused = run("rollback", *WHY)

    assert isinstance(refused.exception, Refused)
    assert "flights/v1" in str(refused.exception)
    assert target(settings) == "deploy://local/flights/v2"


def test_a_rollback_without_a_reason_is_refused(settings):
    refused = run("rollback", "--reason", " ", "--service", "flights")

    assert isinstance(refused.exception, InvalidInput)
    assert target(settings) == "deploy://local/flights/v2"
