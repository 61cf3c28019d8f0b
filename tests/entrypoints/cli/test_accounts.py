"""`--as NAME`: the login comes from a file that its owner alone can read, and from no other."""

import json
import os
import sys

import pytest

from handrail.entrypoints.cli import build, main
from handrail.entrypoints.cli.accounts import password_from_file, read_account
from handrail.errors import InvalidInput
from tests.fakes.answering_server import answering


def a_login(folder, name, mode=0o600, **login):
    file = folder / f"{name}.json"
    file.write_text(json.dumps(login or {"username": name.removeprefix("demo-"), "password": "s3cret"}))
    file.chmod(mode)
    return file


@pytest.mark.parametrize("name", ["ada", "demo-ada"])
def test_an_account_is_read_from_its_file(tmp_path, name):
    a_login(tmp_path, name)

    assert read_account(tmp_path, "ada") == ("ada", "s3cret")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    file = a_login(tmp_path, "ada", mode)

    with pytest.raises(InvalidInput, match=f"others may read.*chmod 600 {file}"):
        read_account(tmp_path, "ada")


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "ada.json").symlink_to(a_login(tmp_path, "other"))

    with pytest.raises(InvalidInput, match="cannot be read"):
        read_account(tmp_path, "ada")


def test_a_pipe_is_no_login(tmp_path):
    os.mkfifo(tmp_path / "ada.json", 0o600)

    with pytest.raises(InvalidInput, match="is not a file of yours"):
        read_account(tmp_path, "ada")


@pytest.mark.parametrize("name", ["../ada", "a/b", "", "a b", "ada\x00"])
def test_a_name_leads_to_no_other_folder(tmp_path, name):
    with pytest.raises(InvalidInput, match="is no name of an account"):
        read_account(tmp_path, name)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"username": "ada"}', "not json"])
def test_a_file_without_a_login_says_what_to_write(tmp_path, text):
    a_login(tmp_path, "ada").write_text(text)

    with pytest.raises(InvalidInput, match="holds no login"):
        read_account(tmp_path, "ada")


def test_an_unknown_account_is_answered_with_the_known_ones(tmp_path):
    a_login(tmp_path, "demo-ben")

    with pytest.raises(InvalidInput, match="Files there are: ben"):
        read_account(tmp_path, "ada")


@pytest.fixture
def handrail(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").mkdir()
    credentials = tmp_path / ".handrail" / "credentials"
    credentials.mkdir(parents=True)
    a_login(credentials, "demo-ada")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code or 0, *capsys.readouterr()

    return call


def test_a_command_logs_in_with_the_file_and_not_with_another_password(handrail, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "somebody else's")
    with answering(200, {"requests": []}) as address:
        monkeypatch.setenv("HANDRAIL_MLFLOW_URL", address)

        code, _, error = handrail("list", "--as", "ada")

    assert (code, error) == (0, "")
    assert password_from_file("ada") == "s3cret"


def test_who_says_nothing_is_asked_who_they_are(handrail):
    code, _, error = handrail("list")

    assert code == 2
    assert "Say who you are" in error


def test_every_command_with_a_user_takes_it():
    def commands(app):
        yield from app.registered_commands
        for group in app.registered_groups:
            yield from commands(group.typer_instance)

    named = [each for each in commands(build()) if each.callback and "user" in each.callback.__annotations__]

    assert len(named) > 15
    assert all("account" in each.callback.__annotations__ for each in named if each.name != "keeper")
