"""`handrail delivery`: who answers beside the champion, from the command line, over a project with permitted trees."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.entrypoints.cli import build, delivery
from handrail.entrypoints.cli.approvals_bytes import fetch_permitted
from handrail.errors import InvalidInput, UnknownReference
from handrail.settings import Settings
from tests.fakes.permitted_tree import permit_tree, write_tree

WHY = ("--reason", "it was better in shadow", "--by", "ada", "--service", "flights")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in a project with one permitted tree, which is what the gate's server sends."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: flights\n")
    for name, value in (("PROJECT", tmp_path), ("HOME", tmp_path / "home")):
        monkeypatch.setenv(f"HANDRAIL_{name}", str(value))
    settings = Settings(project=tmp_path, home=tmp_path / "home")
    tree = write_tree(tmp_path / "tree")
    file = permit_tree(settings, tree, 2, alias="canary")
    with open_platform(settings) as platform:
        assert platform.feedback.deployments() == ()

    def fetched(_settings, _model, folder, _user):
        shutil.copytree(tree, folder)
        return open_permit_verifier(settings).read(file)

    monkeypatch.setattr(delivery, "fetch_permitted", fetched)
    return lambda *arguments: CliRunner().invoke(build(), ["delivery", *map(str, arguments)])


def shown(run):
    return json.loads(run("show", "--service", "flights", "--json").stdout)


def test_where_nobody_was_added_the_champion_answers_alone(run):
    nothing = {"challengers": [], "changes": [], "deployment": None, "swaps": []}
    assert shown(run) == {"slot": "deploy://local/flights", "champion": 1.0} | nothing
    assert "champion" in run("show", "--service", "flights").stdout


def test_a_challenger_is_added_grows_and_ends_with_who_and_why(run):
    added = run("add", "two", "models:/flights@canary", "--role", "canary", "--share", "0.05", *WHY)
    grown = run("share", "two", "0.2", "--reason", "nothing was touched", "--by", "ben", "--service", "flights")
    now = shown(run)
    table = run("show", "--service", "flights").stdout
    ended = run("end", "two", "--as", "rolled back", "--reason", "it is worse", "--service", "flights")

    assert (added.exit_code, grown.exit_code, ended.exit_code) == (0, 0, 0), (added.output, grown.output, ended.output)
    assert "5.00% of the subjects" in added.stdout
    assert "Served now: champion 80.00%, two 20.00%." in grown.stdout
    assert (now["champion"], [(row["name"], row["share"]) for row in now["challengers"]]) == (0.8, [("two", 0.2)])
    assert [(row["by"], row["shares"]) for row in now["changes"]] == [("ben", {"two": 0.2}), ("ada", {"two": 0.05})]
    assert "ben: nothing was touched" in table
    last = shown(run)["changes"][0]
    assert (last["ended"], last["end"], last["shares"]) == ("two", "rolled back", {})


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("add", "two", "models:/flights@canary", "--role", "canary", "--share", "1.5", *WHY), InvalidInput),
        (("add", "Two!", "models:/flights@canary", "--role", "canary", "--share", "0.5", *WHY), InvalidInput),
        (("share", "two", "0.5", *WHY), UnknownReference),
        (("end", "two", "--as", "promoted", *WHY), UnknownReference),
    ],
    ids=["no-share", "no-name", "share-of-nobody", "end-of-nobody"],
)
def test_what_cannot_be_is_refused_and_changes_nothing(run, arguments, error):
    refused = run(*arguments)

    assert isinstance(refused.exception, error)
    assert shown(run)["changes"] == []


def test_without_an_account_nothing_is_fetched_and_the_own_copy_is_taken_only_when_asked_for(run, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    monkeypatch.setattr(delivery, "fetch_permitted", fetch_permitted)
    added = ("add", "two", "models:/flights@canary", "--role", "canary", "--share", "0.1", *WHY)

    anonymous, own = run(*added), run(*added, "--from-store")

    assert isinstance(anonymous.exception, InvalidInput)
    assert "no account was given" in str(anonymous.exception)
    assert isinstance(own.exception, UnknownReference), "this project's own gate promoted nothing"
    assert shown(run)["changes"] == []
