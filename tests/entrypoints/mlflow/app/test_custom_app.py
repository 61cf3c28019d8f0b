"""What a module has to have to be wrapped, and what its answers about people may be."""

import sys
from types import ModuleType

import pytest
from flask import Flask
from starlette.applications import Starlette

from handrail.entrypoints.mlflow.app.custom_app import open_custom_app
from handrail.errors import Misconfigured

NAME = "a_teams_logins"


@pytest.fixture
def module(monkeypatch):
    """A module that will do; tests change it."""
    made = ModuleType(NAME)
    made.create_app = lambda app: Starlette()
    made.handrail_identity = lambda call: call["state"].get("username")
    made.handrail_may = lambda account, kind, name, level: level == "can_read"
    monkeypatch.setitem(sys.modules, NAME, made)
    return made


def _open(function="create_app", asgi=True):
    return open_custom_app(f"{NAME}:{function}", Flask("mlflow"), asgi=asgi)[1]


def test_the_module_says_who_logged_in_and_what_they_may(module):
    logins = _open()

    assert logins.identity.account({"state": {"username": "ada"}}) == "ada"
    assert logins.identity.account({"state": {}}) is None
    assert logins.rights.may("ada", "registered_model", "toy", "can_read")
    assert not logins.rights.may("ada", "registered_model", "toy", "can_update")


@pytest.mark.parametrize("found", ["", b"ada", 7, "ada\n", ["ada"], True])
def test_an_account_is_a_name_or_nobody(module, found):
    module.handrail_identity = lambda call: found

    with pytest.raises(Misconfigured, match="handrail_identity: it returned"):
        _open().identity.account({})


@pytest.mark.parametrize("found", [None, 1, "no", [], object()])
def test_a_permission_is_true_or_false_and_nothing_that_counts_as_true(module, found):
    module.handrail_may = lambda account, kind, name, level: found

    with pytest.raises(Misconfigured, match="handrail_may: it returned"):
        _open().rights.may("ada", "experiment", "1", "can_read")


def test_without_its_word_on_permissions_nobody_may_do_anything(module, caplog):
    del module.handrail_may

    logins = _open()

    assert not logins.rights.may("ada", "registered_model", "toy", "can_read")
    assert "so nobody may do anything" in caplog.text


@pytest.mark.parametrize(
    ("function", "made", "words"),
    [
        ("nothing", None, "nothing is not there"),
        ("create_app", 3, "create_app is no function"),
        ("create_app", lambda: None, "create_app does not take 1 arguments"),
        ("create_app", lambda app: app, "returned 'Flask', not a FastAPI or Starlette app"),
        ("create_app", lambda app: None, "returned 'NoneType'"),
        ("handrail_identity", lambda: None, "handrail_identity does not take 1 arguments"),
        ("handrail_may", lambda account: None, "handrail_may does not take 4 arguments"),
    ],
)
def test_a_module_that_lacks_something_is_refused_by_its_name(module, function, made, words):
    if made is not None:
        setattr(module, function, made)

    with pytest.raises(Misconfigured, match=words):
        _open(function if function == "nothing" else "create_app")


def test_a_module_that_names_nobody_is_refused(module):
    del module.handrail_identity

    with pytest.raises(Misconfigured, match="handrail_identity is not there"):
        _open()


def test_without_asgi_the_flask_app_itself_has_to_come_back(module):
    with pytest.raises(Misconfigured, match="not MLflow's Flask app"):
        _open(asgi=False)

    module.create_app = lambda app: app
    assert _open(asgi=False).identity.account({"state": {}}) is None
