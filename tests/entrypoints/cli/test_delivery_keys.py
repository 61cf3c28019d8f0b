"""`handrail delivery key`: made once, listed without secrets, revoked by id or name."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_keys
from handrail.clock import system_time
from handrail.entrypoints.cli import build
from handrail.entrypoints.cli.delivery_keys import read_lifetime
from handrail.errors import InvalidInput, UnknownReference
from handrail.settings import Settings

SERVICE = ("--service", "churn", "--by", "ada")


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("environment: prod\n")
    for name, value in (("PROJECT", tmp_path), ("HOME", tmp_path / "home")):
        monkeypatch.setenv(f"HANDRAIL_{name}", str(value))
    return lambda *arguments: CliRunner().invoke(build(), ["delivery", "key", *arguments])


def listed(run):
    return json.loads(run("list", "--service", "churn", "--json").stdout)


def test_a_key_is_shown_once_and_opens_the_service(run, tmp_path):
    made = run("make", "crew-desk", "--may", "predict", "--expires", "30d", *SERVICE)

    text = made.stdout.strip()
    with open_platform(Settings(project=tmp_path, home=tmp_path / "home", environment="prod")) as platform:
        key = open_keys(platform, "churn").ring().find(text, system_time())
    assert (key.name, key.made_by, key.pointer, key.rights) == ("crew-desk", "ada", "deploy://prod/churn", {"predict"})
    assert key.expires_at - key.made_at == timedelta(days=30)
    assert "cannot be shown again" in made.stderr
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert text.encode() not in everything
    assert text.split("_", 2)[2] not in run("list", "--service", "churn").stdout + json.dumps(listed(run))


def test_the_list_says_what_became_of_each_key(run):
    run("make", "crew-desk", *SERVICE)
    run("make", "archive", "--expires", "never", *SERVICE)
    run("revoke", "archive", *SERVICE)

    archive, crew = listed(run)
    table = run("list", "--service", "churn").stdout

    assert (archive["name"], archive["stands"], archive["expires_at"], archive["revoked_by"]) == (
        *("archive", False, None, "ada"),
    )
    assert (crew["name"], crew["stands"], crew["may"]) == ("crew-desk", True, ["predict", "report"])
    assert "revoked 2" in table
    assert "until 2" in table


def test_keys_are_changed_without_a_gap(run):
    old = json.loads(run("make", "crew-desk", "--json", *SERVICE).stdout)
    new = json.loads(run("make", "crew-desk", "--json", *SERVICE).stdout)
    ambiguous = run("revoke", "crew-desk", *SERVICE)
    one = run("revoke", old["id"], "--json", *SERVICE)

    assert isinstance(ambiguous.exception, InvalidInput)
    assert old["id"] in str(ambiguous.exception)
    assert json.loads(one.stdout) == [{"id": old["id"], "name": "crew-desk", "revoked": True}]
    assert {row["id"]: row["stands"] for row in listed(run)} == {old["id"]: False, new["id"]: True}
    assert run("revoke", "crew-desk", "--all", *SERVICE).exit_code == 0
    assert isinstance(run("revoke", "crew-desk", *SERVICE).exception, UnknownReference)


@pytest.mark.parametrize("text", ["", "30", "30 d", "-1d", "0d", "1.5h", "1y", "d", "99999999d", "never "])
def test_what_is_no_time_to_live_is_refused_before_anything_is_made(run, text):
    refused = run("make", "crew-desk", f"--expires={text}", *SERVICE)

    assert isinstance(refused.exception, InvalidInput)
    assert "Traceback" not in refused.output


@pytest.mark.parametrize(
    ("text", "found"),
    [("30d", timedelta(days=30)), ("12h", timedelta(hours=12)), ("90m", timedelta(minutes=90)), ("never", None)],
)
def test_times_to_live(text, found):
    assert read_lifetime(text) == found
