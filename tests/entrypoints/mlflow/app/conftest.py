"""One real MLflow server with the Handrail app for the session: a start costs 12 seconds of processor time.

Tests share it by models of their own: `made` is a fresh version, `server.make_version` makes more. Roles are as
usual again after each test; who changes a policy or the server in another way takes that back. Only a test of the start
itself, or of what lies between two starts, starts a server of its own, with `tests.fakes.mlflow_server`.
"""

from __future__ import annotations

import pytest

from tests.fakes import browser
from tests.fakes.mlflow_server import Server, password, settings_in, start, wait_until_up

collect_ignore_glob = [] if browser.wanted() else ["test_pages_browser*.py"]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    settings = settings_in(folder)
    with (folder / "log").open("wb") as log:
        process = start(settings, log)
    try:
        wait_until_up(settings, process, folder / "log")
        server = Server(settings)
        server.make_accounts()
        server.write_roles()
        yield server
        server.admin.close()
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def made(server):
    """A fresh version by Ada."""
    return server.make_version()


@pytest.fixture(autouse=True)
def _same_roles(request):
    if "server" in request.fixturenames:
        yield request.getfixturevalue("server")
        request.getfixturevalue("server").restore_roles()
    else:
        yield


@pytest.fixture(scope="module")
def chromium():
    """A browser for a file of tests: while it runs, other tests of the process cannot start a loop of asyncio."""
    with browser.browser() as running:
        yield running


@pytest.fixture
def visit(chromium, server):
    """Let an account open pages; afterwards no page has asked another server, and none has complained."""
    visitors = []

    def visit(account, path="/handrail/", **options):
        visitors.append(browser.Visitor(chromium, server, (account, password(account)), **options))
        visitors[-1].see(path)
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.close()
    assert [each for visitor in visitors for each in visitor.stopped] == []
    assert [each for visitor in visitors for each in visitor.complaints] == []
