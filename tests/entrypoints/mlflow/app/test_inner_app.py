"""Any app that knows who logged in will do: the gate holds around MLflow's own and around a team's."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from handrail.entrypoints.http.gate_routes import Route
from handrail.errors import Refused
from tests.fakes.mlflow_server import EVIDENCE, Server, settings_in, start, wait_until_up

ROOT = Path(__file__).parents[4]
FIXTURE = "tests.fixtures.inner_app"
CREATE = "from handrail.entrypoints.mlflow.app import create_app; create_app()"


@pytest.fixture(scope="module")
def custom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("custom")
    settings = settings_in(folder)
    env = {"HANDRAIL_MLFLOW_INNER_APP": f"{FIXTURE}:create_app", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        process = start(settings, log, env)
    try:
        wait_until_up(settings, process, folder / "log")
        server = Server(settings)
        server.write_roles()
        yield server
        server.admin.close()
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(params=["basic-auth", "custom"])
def around(request):
    return request.getfixturevalue("server" if request.param == "basic-auth" else "custom")


@pytest.mark.parametrize("route", Route)
def test_nobody_comes_in_without_a_login(around, route):
    answer = httpx.request(route.method, f"{around.url}{route.path}", json={} if route.method == "POST" else None)

    assert answer.status_code == 401


def test_two_others_promote_what_somebody_made_and_nobody_promotes_their_own(around):
    made = around.make_version()
    request_id = made.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})["request_id"]

    with pytest.raises(Refused, match="'ada'|Ada"):
        made.say(request_id, "ada")
    assert made.say(request_id, "ben")["verdict"] == "pending"
    assert made.say(request_id, "cleo")["verdict"] == "promoted"


def test_who_may_only_read_a_model_asks_for_nothing(around):
    made = around.make_version()

    with pytest.raises(Refused, match="'dora' lacks the permission"):
        made.ask("dora")


def test_a_protected_alias_is_moved_by_nobody_else(around):
    made = around.make_version()

    with around.person("ada") as http:
        body = {"name": made.name, "alias": "champion", "version": "1"}
        answer = http.post("/api/2.0/mlflow/registered-models/alias", json=body)

    assert answer.status_code == 403


def test_an_account_that_the_inner_app_does_not_know_is_nobody(around):
    with around.http("zoe") as http:
        assert http.get(Route.REQUESTS.path).status_code == 401


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("no_such_module:create_app", "'no_such_module' cannot be imported"),
        (f"{FIXTURE}:not_a_function", f"{FIXTURE}:not_a_function is no function"),
        (f"{FIXTURE}:without_login", "with 200 to a call without a login"),
        ("oidc-auth", "mlflow_inner_app"),
    ],
)
def test_an_inner_app_that_will_not_do_stops_the_start_with_one_sentence(tmp_path, named, words):
    run = _start(tmp_path, HANDRAIL_MLFLOW_INNER_APP=named)

    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last


def test_another_inner_app_and_a_trusted_header_do_not_go_together(tmp_path):
    run = _start(
        tmp_path,
        HANDRAIL_MLFLOW_INNER_APP=f"{FIXTURE}:create_app",
        HANDRAIL_MLFLOW_TRUSTED_PROXIES="127.0.0.1",
        HANDRAIL_MLFLOW_USER_HEADER="X-Remote-User",
    )

    assert run.returncode == 1
    assert "logs people in itself" in run.stderr


def _start(folder, **more):
    settings = settings_in(folder)
    home = settings.home
    (home / "artifacts").mkdir(parents=True)
    env = os.environ | {
        "HANDRAIL_PROJECT": str(settings.project),
        "HANDRAIL_HOME": str(home),
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{home}/server.db",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{home}/server.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(home / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "PYTHONPATH": str(ROOT),
    }
    line = [sys.executable, "-c", CREATE]
    return subprocess.run(line, env=env | more, cwd=home, capture_output=True, text=True, timeout=300)
