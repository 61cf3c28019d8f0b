"""The README's recipe for an MLflow server that a team has: its commands, on a store that holds runs already."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = ("HANDRAIL_", "MLFLOW_", "PREFECT_", "BENTOML_")
THEIRS = "https://tracking.example"
WITHIN_S = 240
USUAL = 5000


@pytest.fixture(scope="module")
def commands():
    """The four blocks of the recipe: the configuration, the server, the accounts, the shell."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    recipe = re.search(r"<!-- recipe: approvals -->(.*?)<!-- /recipe -->", page, re.DOTALL)[1]
    blocks = re.findall(r"```bash\n(.*?)```", recipe, re.DOTALL)
    assert len(blocks) == 4
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [block.replace(str(USUAL), str(port)) for block in blocks], f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A shell in the team's own folder, where an MLflow store with a registered version is already."""
    folder = tmp_path_factory.mktemp("stack")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    plain["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"

    def run(script, **more):
        return subprocess.run(
            ["bash", "-euc", script], cwd=folder, env=plain | more, capture_output=True, text=True, timeout=WITHIN_S
        )

    made = run(f"{sys.executable} - <<'END'\n{BEFORE}\nEND")
    assert made.returncode == 0, made.stderr
    run.folder, run.environment = folder, plain
    return run


BEFORE = """
from pathlib import Path

from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlflow.db")
experiment = client.create_experiment("before", artifact_location="mlflow-artifacts:/before")
run = client.create_run(experiment)
client.create_registered_model("churn")
client.create_model_version("churn", f"runs:/{run.info.run_id}/model", run.info.run_id)
client.set_registered_model_alias("churn", "champion", "1")
tree = Path("mlartifacts/before") / run.info.run_id / "artifacts" / "model"
tree.mkdir(parents=True)
(tree / "MLmodel").write_text("flavors:\\n  onnx:\\n    data: model.onnx\\n")
(tree / "model.onnx").write_bytes(b"served since March")
"""


@pytest.fixture(scope="module")
def server(commands, shell):
    (configuration, start, *_), url = commands
    written = shell(configuration)
    assert written.returncode == 0, written.stderr
    with (shell.folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            ["bash", "-euc", f"exec {start}"],
            cwd=shell.folder,
            env=shell.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(url, process, shell.folder / "server.log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait(url, process, log):
    deadline, pause = time.monotonic() + WITHIN_S, Event()
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pause.wait(0.5)
    raise AssertionError(log.read_text()[-2000:])


@pytest.fixture
def admin(server, shell):
    held = json.loads((shell.folder / ".handrail" / "credentials" / "mlflow-admin.json").read_text())
    with httpx.Client(
        base_url=server, auth=(held["username"], held["password"]), timeout=60, trust_env=False
    ) as client:
        yield client


def test_what_was_there_before_is_there(admin):
    answer = admin.get("/api/2.0/mlflow/registered-models/get", params={"name": "churn"})

    assert answer.json()["registered_model"]["latest_versions"][0]["version"] == "1"


def test_the_alias_moves_only_through_the_gate(admin):
    asked = {"name": "churn", "alias": "champion", "version": "1"}

    answer = admin.post("/api/2.0/mlflow/registered-models/alias", json=asked)

    assert answer.status_code == 403
    assert "promotion request" in answer.text


@pytest.fixture(scope="module")
def accounts(server, shell, commands):
    """The accounts that the recipe makes, with the passwords that it prints."""
    made = shell(commands[0][2])
    assert made.returncode == 0, made.stderr
    return dict(line.split() for line in made.stdout.splitlines())


def test_its_accounts_may_do_again_what_everybody_could(admin, server, accounts):
    experiments = admin.get("/api/2.0/mlflow/experiments/search", params={"max_results": 9}).json()["experiments"]
    (before,) = (one["experiment_id"] for one in experiments if one["name"] == "before")

    assert set(accounts) == {"ada", "rosa", "cleo"}
    for login in accounts.items():
        with httpx.Client(base_url=server, auth=login, timeout=60, trust_env=False) as person:
            run = person.post("/api/2.0/mlflow/runs/create", json={"experiment_id": before})
            described = {"name": "churn", "version": "1", "description": "looked at"}
            version = person.patch("/api/2.0/mlflow/model-versions/update", json=described)
        assert (run.status_code, version.status_code) == (200, 200)


@pytest.mark.parametrize("theirs", [None, THEIRS])
def test_the_shell_finds_the_project_and_keeps_its_own_servers(server, shell, commands, theirs):
    (*_, evaluate), url = commands
    given = {"MLFLOW_TRACKING_URI": theirs, "PREFECT_API_URL": f"{THEIRS}/api", "BENTOML_HOME": "/theirs"}

    done = shell(
        f"{evaluate} env | grep -E '^(HANDRAIL|MLFLOW|PREFECT|BENTOML)_'",
        **{name: value for name, value in given.items() if value},
    )

    assert dict(line.split("=", 1) for line in done.stdout.splitlines()) == {
        "HANDRAIL_PROJECT": str(shell.folder),
        "HANDRAIL_HOME": str(shell.folder / ".handrail"),
        "MLFLOW_TRACKING_URI": theirs or url,
        "PREFECT_API_URL": f"{THEIRS}/api",
        "BENTOML_HOME": "/theirs",
    }
    assert ("MLFLOW_TRACKING_URI" in done.stderr) == bool(theirs)


def test_handrail_asks_the_server_that_the_recipe_started(server, shell, commands):
    held = json.loads((shell.folder / ".handrail" / "credentials" / "mlflow-admin.json").read_text())

    done = shell(
        f"{commands[0][3]} cd /; handrail approvals list --alias shadow --user {held['username']} --json",
        MLFLOW_TRACKING_PASSWORD=held["password"],
    )

    assert (done.returncode, json.loads(done.stdout)) == (0, []), done.stderr


def test_its_champion_is_adopted_loaded_and_left_again_by_the_lines_of_the_page(admin, shell, commands, accounts):
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    adopt, *decisions = re.findall(r"^    (handrail approvals (?:adopt|decide) .*)$", page, re.MULTILINE)
    leave = re.search(r"`(handrail approvals leave [^`]*)`", page)[1]

    def type_line(line):
        who = re.search(r"--user (\w+)", line)
        password = {"MLFLOW_TRACKING_PASSWORD": accounts[who[1]]} if who else {}
        done = shell(f"{commands[0][3]} {line}", **password)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    request_id = re.search(r"pr-[0-9a-f]{20}", type_line(adopt))[0]
    said = [type_line(re.sub(r"pr-[0-9a-f]{20}", request_id, line)) for line in decisions]
    type_line("handrail approvals fetch models:/churn@champion served --user rosa")
    type_line(leave)

    assert "promoted" in said[-1]
    assert (shell.folder / "served" / "model.onnx").read_bytes() == b"served since March"
    recorded = (shell.folder / "approvals-record" / "requests.ndjson").read_text()
    assert json.loads(recorded)["verdict"] == "promoted"
    requests = admin.get("/api/2.0/mlflow/registered-models/get", params={"name": "churn"}).json()
    assert requests["registered_model"]["aliases"] == [{"alias": "champion", "version": "1"}]
