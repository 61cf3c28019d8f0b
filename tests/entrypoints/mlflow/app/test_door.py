"""What gets past the outermost layer of a real server, by whom, and in which spelling."""

import os
import subprocess
import sys

import httpx
import pytest

from handrail.entrypoints.mlflow.app.door import Door, WsgiDoor
from handrail.entrypoints.mlflow.app.surface import RouteLine, Surface
from tests.fakes.mlflow_server import password

PEOPLE = ("anonymous", "reader", "author", "editor", "approver", "admin")
ACCOUNTS = {"reader": "dora", "author": "ada", "editor": "ben", "approver": "cleo"}
CLOSED = (
    ("PUT", "/ajax-api/3.0/mlflow/assistant/config"),
    ("GET", "/ajax-api/3.0/mlflow/assistant/config"),
    ("POST", "/ajax-api/3.0/mlflow/assistant/message"),
    ("GET", "/ajax-api/3.0/mlflow/assistant/sessions/s1/stream"),
    ("POST", "/ajax-api/3.0/mlflow/assistant/skills/install"),
    ("POST", "/ajax-api/3.0/jobs/"),
    ("PATCH", "/ajax-api/3.0/mlflow/jobs/cancel/j1"),
    ("POST", "/api/3.0/mlflow/prompt-optimization/jobs"),
    ("POST", "/ajax-api/3.0/mlflow/scorer/invoke"),
    ("POST", "/ajax-api/3.0/mlflow/demo/generate"),
    ("POST", "/ajax-api/2.0/mlflow/gateway-proxy"),
    ("POST", "/gateway/proxy/e1/v1/chat"),
    ("POST", "/gateway/e1/mlflow/invocations"),
)


def _spellings(path):
    first, rest = path[1:].split("/", 1)
    last = path.rstrip("/").rsplit("/", 1)[1]
    coded = f"%{ord(last[0]):02x}{last[1:]}"
    return {
        "plain": path,
        "coded": path.replace(f"/{last}", f"/{coded}"),
        "coded twice": path.replace(f"/{last}", f"/{coded.replace('%', '%25')}"),
        "two slashes": f"/{first}//{rest}",
        "a dot": f"/{first}/./{rest}",
        "up and down": f"/{first}/x/../{rest}",
        "slash at the end": f"{path.rstrip('/')}/",
        "no slash at the end": path.rstrip("/"),
        "capitals": path.upper(),
        "a parameter": f"{path};x",
    }


@pytest.fixture(scope="module")
def clients(server):
    admin = server.admin.auth
    logins = {name: (account, password(account)) for name, account in ACCOUNTS.items()}
    made = {name: httpx.Client(base_url=server.url, auth=login) for name, login in logins.items()}
    made |= {"anonymous": httpx.Client(base_url=server.url), "admin": httpx.Client(base_url=server.url, auth=admin)}
    yield made
    for client in made.values():
        client.close()


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_runs_things_on_the_server_is_off_for_everybody_in_every_spelling(clients, server, who, method, path):
    for spelling, spelled in _spellings(path).items():
        url = httpx.URL(server.url).copy_with(raw_path=spelled.encode())

        answer = clients[who].request(method, url, json={})

        assert answer.status_code in (404, 405), (spelling, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", spelling


def test_the_answer_names_the_setting(server):
    answer = server.admin.put("/ajax-api/3.0/mlflow/assistant/config", json={})

    assert answer.json()["detail"] == (
        "MLflow's assistant is off on this server. Whoever runs it can open it: name assistant in mlflow_routes."
    )


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("prefix", ["/api/2.0", "/ajax-api/2.0"])
def test_no_spelling_of_an_open_route_moves_the_alias(clients, server, plain_version, who, prefix):
    body = {"name": plain_version.name, "alias": "champion", "version": "1"}
    for spelling, spelled in _spellings(f"{prefix}/mlflow/registered-models/alias").items():
        url = httpx.URL(server.url).copy_with(raw_path=spelled.encode())

        answer = clients[who].post(url, json=body)

        assert answer.status_code in (401, 403, 404, 405), (spelling, answer.status_code, answer.text)
    assert plain_version.champion() is None


@pytest.fixture(scope="module")
def plain_version(server):
    return server.make_version()


def test_mlflows_page_and_its_files_are_served(server):
    page = server.admin.get("/")

    assert page.status_code == 200
    script = page.text.split('src="')[1].split('"')[0]
    assert server.admin.get(f"/{script.lstrip('./')}").status_code == 200


def test_a_websocket_gets_no_further():
    said = []

    async def send(message):
        said.append(message)

    async def app(*_scope):
        raise AssertionError("it got past the door")

    coroutine = Door(app, SURFACE)({"type": "websocket", "path": "/open"}, None, send)

    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert said == [{"type": "websocket.close", "code": 1008}]


SURFACE = Surface([RouteLine("GET", "/open"), RouteLine("POST", "/ajax-api/3.0/mlflow/demo/x")], (), (), "")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open", 200),
        ("HEAD", "/open", 200),
        ("OPTIONS", "/open", 200),
        ("POST", "/open", 405),
        ("POST", "/ajax-api/3.0/mlflow/demo/x", 404),
        ("GET", "/else", 404),
    ],
)
def test_a_server_of_the_flask_app_alone_has_the_same_door(method, path, status):
    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"in"]

    said = []
    WsgiDoor(app, SURFACE)({"REQUEST_METHOD": method, "PATH_INFO": path}, lambda text, headers: said.append(text))

    assert [text.split()[0] for text in said] == [str(status)]


ORDINARY = """
import pathlib, tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.entities import DatasetInput

client = MlflowClient()
mlflow.set_experiment("ordinary")
with mlflow.start_run() as run:
    mlflow.log_params({"depth": 3})
    mlflow.log_metrics({"auc": 0.7}, step=1)
    mlflow.set_tag("team", "blue")
    mlflow.log_text("words", "notes/a.txt")
    mlflow.log_input(mlflow.data.from_numpy(__import__("numpy").zeros((2, 2)), name="zeros"), context="train")
    with mlflow.start_span("step") as span:
        span.set_attribute("x", 1)
mlflow.flush_trace_async_logging()
run_id = run.info.run_id
assert client.get_run(run_id).data.metrics == {"auc": 0.7}
assert [found.info.run_id for found in client.search_runs([run.info.experiment_id], "metrics.auc > 0.5")] == [run_id]
assert pathlib.Path(client.download_artifacts(run_id, "notes/a.txt")).read_text() == "words"
assert client.list_artifacts(run_id, "notes")[0].path == "notes/a.txt"
assert len(mlflow.search_traces(locations=[run.info.experiment_id], return_type="list")) == 1
assert client.get_metric_history(run_id, "auc")[0].step == 1
prompt = mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}")
mlflow.genai.set_prompt_alias("greeting", "production", prompt.version)
assert mlflow.genai.load_prompt("prompts:/greeting@production").format(name="Ada") == "Hello Ada"
client.create_registered_model("ordinary")
client.create_model_version("ordinary", f"runs:/{run_id}/notes", run_id)
client.set_registered_model_alias("ordinary", "challenger", "1")
assert client.get_model_version_by_alias("ordinary", "challenger").run_id == run_id
assert [model.name for model in client.search_registered_models("name = 'ordinary'")] == ["ordinary"]
dataset = mlflow.genai.datasets.create_dataset(name="questions", experiment_id=run.info.experiment_id)
dataset.merge_records([{"inputs": {"q": "1 + 1"}, "expectations": {"a": "2"}}])
client.delete_run(run_id)
client.restore_run(run_id)
print("all of it")
"""


def test_mlflows_own_client_notices_nothing(server, tmp_path):
    env = os.environ | {
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": password("ada"),
        "HANDRAIL_PROJECT": str(tmp_path),
        "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    }

    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ORDINARY],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert run.stdout.strip().splitlines()[-1:] == ["all of it"], run.stderr[-3000:]


def test_graphql_reads(server):
    query = 'query { mlflowGetExperiment(input: {experimentId: "0"}) { experiment { name } } }'

    answer = server.admin.post("/graphql", json={"query": query, "operationName": None, "variables": {}})

    assert answer.json()["data"]["mlflowGetExperiment"]["experiment"]["name"] == "Default"
