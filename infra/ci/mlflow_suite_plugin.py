"""Gives MLflow's own tests another server: stock basic-auth, or the Handrail app around it. Loaded by mlflow_suite.py.

Both get the same: a folder that the server serves artifacts from, an admin's login where a test brings none, and time
to start.
What a test imports from the tests' helpers is replaced before tests are collected.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from pluggy import Result

STOCK = "mlflow.server.auth:create_app"
OURS = "handrail.entrypoints.mlflow.app:create_app"
SIDE, FOLDER, RESULTS = "HANDRAIL_SUITE_APP", "HANDRAIL_SUITE_FOLDER", "HANDRAIL_SUITE_RESULTS"
ADMIN, PASSWORD = "admin", "the-admin-of-the-suite"
START_LIMIT_S = 180
TEST_LIMIT_S = 240
WITHOUT_LOGIN = "tests/tracking/"
"""Tests here were written for a server without logins."""
AUTH_INI = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 600
"""

_outcomes: dict[str, str] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Replace what starts servers; the variables have to be there before MLflow's auth is imported."""
    folder = _folder()
    (folder / "artifacts").mkdir(exist_ok=True)
    (folder / "auth.ini").write_text(AUTH_INI.format(folder=folder), encoding="utf-8")
    os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"] = PASSWORD
    from tests.tracking import integration_test_utils as helpers

    starting, waiting = helpers._init_server, helpers._await_server_up_or_die

    @contextlib.contextmanager
    def init_server(
        backend_uri: str, root_artifact_uri: str, extra_env: Any = None, app: str | None = None, **others: Any
    ) -> Iterator[str]:
        if app != STOCK:
            with starting(backend_uri, root_artifact_uri, extra_env, app, **others) as url:
                yield url
            return
        home = Path(urlparse(root_artifact_uri).path).with_name("handrail")
        served = _environment(urlparse(root_artifact_uri).path, home) | (extra_env or {})
        with starting(backend_uri, "mlflow-artifacts:/", served, os.environ[SIDE], **others) as url:
            yield url

    class WithLogins(helpers.ServerThread):  # type: ignore[misc]
        """The same server for all tests of a process; each test brings stores of its own."""

        def __init__(self, _app: Any, port: int) -> None:
            super().__init__(_served(), port)

        def shutdown(self) -> None:
            self.server.force_exit = True
            super().shutdown()

    helpers._init_server = init_server
    helpers._await_server_up_or_die = lambda port: waiting(port, START_LIMIT_S)
    helpers.ServerThread = WithLogins
    if any(WITHOUT_LOGIN in word for word in session.config.args):
        _serve_artifacts()


def _folder() -> Path:
    folder = Path(os.environ[FOLDER]) / os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder.mkdir(exist_ok=True)
    return folder


def _environment(artifacts: str, home: Path) -> dict[str, str]:
    return {
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
        "HANDRAIL_HOME": str(home),
    }


def _serve_artifacts() -> None:
    """Let stores of this process lead to the folder that its server serves, as `mlflow server` does by default."""
    from mlflow.server import handlers

    initialize = handlers.initialize_backend_stores

    def initialized(backend_store_uri: str, **_others: Any) -> None:
        initialize(backend_store_uri, default_artifact_root="mlflow-artifacts:/")

    handlers.initialize_backend_stores = initialized  # type: ignore[assignment]
    _served()


@cache
def _served() -> Any:
    """Return the app of this side, made once: MLflow's Flask app takes routes only before its first request."""
    folder = _folder()
    before = dict(os.environ)
    os.environ |= _environment(str(folder / "artifacts"), folder / "handrail")
    os.environ |= {"MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"), "_MLFLOW_SGI_NAME": "uvicorn"}
    os.environ |= {"MLFLOW_FLASK_SERVER_SECRET_KEY": "x" * 32}
    first = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/first.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
    }
    os.environ |= first
    import importlib

    from mlflow.server import app, handlers

    module, name = os.environ[SIDE].split(":")
    made = getattr(importlib.import_module(module), name)(app)
    # From here on stores are those of the tests, which find them by what they set.
    handlers._tracking_store = handlers._model_registry_store = None
    for variable in (*first, "_MLFLOW_SGI_NAME"):
        os.environ.pop(variable)
        if variable in before:
            os.environ[variable] = before[variable]
    return made


@pytest.fixture(autouse=True)
def _log_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log the admin in where a test brings no login of its own."""
    if not request.node.nodeid.startswith(WITHOUT_LOGIN):
        return
    import requests

    send = requests.Session.request

    def logged_in(self: Any, method: str, url: str, **options: Any) -> Any:
        if options.get("auth") is None and "Authorization" not in (options.get("headers") or {}):
            options["auth"] = (ADMIN, PASSWORD)
        return send(self, method, url, **options)

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    monkeypatch.setattr(requests.Session, "request", logged_in)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """End a test that waits for something which is not there, such as the public network."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(TEST_LIMIT_S)
    yield
    signal.alarm(0)


def _too_long(*_signal: object) -> None:
    raise TimeoutError(f"This test takes more than {TEST_LIMIT_S} s.")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember the worst of a test's three parts."""
    result: Result[pytest.TestReport] = yield  # type: ignore[assignment]
    report = result.get_result()
    if (report.failed or report.skipped or report.when == "call") and _outcomes.get(item.nodeid) != "failed":
        _outcomes[item.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    """Write what became of each test, a file a process."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    Path(os.environ[RESULTS], f"{worker}.json").write_text(json.dumps(_outcomes), encoding="utf-8")
