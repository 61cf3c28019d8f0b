"""prefect.yaml on a fresh server: every deployment, the automation, and a worker that runs flows to their end.

The project is this repository with a pipeline of two small stages, in a clone below home as the flows use one.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml

from flows.steps.monitoring.events import EVENT, payload_of, resource_of
from flows.steps.project import pipeline
from flows.steps.project.workspace import committer_environment
from handrail.bootstrap import open_platform
from handrail.settings import load_settings
from infra.servers import worker
from infra.servers.supervisor import Servers, environment, with_free_ports

ROOT = Path(__file__).resolve().parents[2]
FLOWS = {"ingest", "train", "promote", "deploy", "rollout", "monitor", "retrain", "replay", "wake"}
DEADLINE_S = 240
GRAPH = """
stages:
  prepare:
    cmd: python -c "import pathlib; pathlib.Path('rows').write_text('3')"
    params: [as_of]
    outs: [rows]
  fit:
    cmd: python -c "import shutil; shutil.copy('rows', 'model')"
    deps: [rows]
    outs: [model]
"""


class _Prefect:
    """The server's HTTP interface, as far as these tests need it."""

    def __init__(self, url):
        self._url = f"{url}/api"

    def post(self, path, **body):
        sent = body.pop("rows", body)
        # 503 is the server's way to say that its SQLite file was busy; Prefect's own client asks again too.
        (answer,) = _until(lambda: self._answer(path, sent))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def _answer(self, path, sent):
        answer = httpx.post(f"{self._url}/{path}", json=sent, timeout=30)
        return None if answer.status_code == 503 else (answer,)

    def deployments(self):
        return {row["name"]: row for row in self.post("deployments/filter")}

    def run(self, name, parameters=None):
        deployment = self.deployments()[name]
        created = self.post(f"deployments/{deployment['id']}/create_flow_run", parameters=parameters or {})
        return _until(lambda: self._ended(created["id"]))

    def task_names(self, flow_run):
        rows = self.post(
            "task_runs/filter", flow_runs={"id": {"any_": [flow_run["id"]]}}, sort="EXPECTED_START_TIME_ASC"
        )
        return [row["name"] for row in rows]

    def runs_of(self, name):
        return self.post("flow_runs/filter", deployments={"name": {"any_": [name]}})

    def _ended(self, flow_run_id):
        row = httpx.get(f"{self._url}/flow_runs/{flow_run_id}", timeout=30).json()
        return row if row["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None


def _until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()) and time.monotonic() < deadline:
        threading.Event().wait(0.2)
    assert found, "the deadline passed"
    return found


def _lay_out(project):
    """Copy this repository as it stands and give it a pipeline of two quick stages."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    (project / "dvc.yaml").write_text(GRAPH)
    (project / "dvc.lock").unlink(missing_ok=True)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Lay out"]):
        subprocess.run(["git", *command], cwd=project, check=True, env=os.environ | committer_environment())


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """A Prefect server with every deployment made by the command line, and no worker yet."""
    home = tmp_path_factory.mktemp("prefect") / "home"
    project = home / "demo" / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(home))
        _lay_out(project)
        with Servers(with_free_ports(load_settings())) as servers:
            url = servers.start("prefect")
            servers.wait_ready("prefect", DEADLINE_S)
            command = Path(sys.executable).with_name("prefect")
            told = environment(servers.settings, "worker")
            for arguments in (
                ["work-pool", "create", "local-process", "--type", "process"],
                ["--no-prompt", "deploy", "--all"],
            ):
                subprocess.run([command, *arguments], cwd=project, env=told, check=True, capture_output=True)
            yield servers, _Prefect(url)


@pytest.fixture(scope="module")
def working(platform):
    """The same server, with a worker started the way `make up` starts it."""
    servers, prefect = platform
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
        servers.start("worker")
    servers.wait_ready("worker", DEADLINE_S)
    return servers, prefect


def _emit(prefect, kind, state, month):
    finding = {
        "model": "flights",
        "kind": kind,
        "state": state,
        "month": month,
        "snapshot": "sha256:1",
        "reasons": [],
        "checks": [],
    }
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": EVENT,
        "resource": resource_of(finding),
        "payload": payload_of(finding),
    }
    prefect.post("events", rows=[event])


def _flow_runs_behind(settings, path):
    """Return the flow runs that a trace of a file of the project leads to."""
    platform = open_platform(settings)
    trace = platform.lineage.trace(path)
    platform.close()
    return [node.uri for node in trace.nodes if node.kind == "flow-run"]


def test_every_flow_is_deployed_with_a_form_for_its_parameters(platform):
    _, prefect = platform

    deployments = prefect.deployments()

    assert set(deployments) == FLOWS == {file.stem for file in (ROOT / "flows").glob("*.py")}
    for name, deployment in deployments.items():
        schema = deployment["parameter_openapi_schema"]
        model = next(iter(schema["definitions"].values()))
        assert deployment["enforce_parameter_schema"], name
        assert all("description" in field for field in model["properties"].values()), name


def test_monitoring_is_scheduled(platform):
    _, prefect = platform

    schedules = prefect.deployments()["monitor"]["schedules"]

    assert [(each["schedule"]["cron"], each["active"]) for each in schedules] == [("0 6 * * *", True)]
    assert _until(lambda: prefect.runs_of("monitor"))


def test_a_challenger_is_trained_once_a_month_even_if_nothing_is_found(platform):
    _, prefect = platform

    (schedule,) = prefect.deployments()["retrain"]["schedules"]

    assert (schedule["schedule"]["cron"], schedule["active"]) == ("0 7 4 * *", True)
    assert schedule["parameters"] == {"parameters": {"trigger": "schedule"}}


def test_runs_that_change_a_clone_wait_for_one_another(platform):
    _, prefect = platform

    deployments = prefect.deployments()

    for name in ("ingest", "train", "retrain"):
        assert deployments[name]["global_concurrency_limit"]["limit"] == 1, name


def test_a_parameter_out_of_range_is_refused_before_anything_runs(platform):
    servers, prefect = platform
    replay = prefect.deployments()["replay"]

    answer = httpx.post(
        f"{servers.settings.url('prefect')}/api/deployments/{replay['id']}/create_flow_run",
        json={"parameters": {"parameters": {"days": 0}}},
        timeout=30,
    )

    assert answer.status_code in (409, 422)


def test_an_alert_about_drift_or_performance_starts_retraining_and_nothing_else_does(platform):
    _, prefect = platform
    _emit(prefect, "drift", "ok", "2013-08")
    _emit(prefect, "health", "alert", "2013-08")
    _emit(prefect, "drift", "alert", "2013-09")

    runs = _until(lambda: [run for run in prefect.runs_of("retrain") if not run["auto_scheduled"]])

    assert [run["parameters"]["parameters"] for run in runs] == [
        {"month": "2013-09", "trigger": "finding/drift/2013-09/sha256:1"}
    ]


def test_deploying_again_changes_nothing(platform):
    servers, prefect = platform
    before = {name: row["id"] for name, row in prefect.deployments().items()}

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(servers.settings, "worker").items():
            patch.setenv(name, value)
        worker.deploy(servers.settings.project)
    automations = prefect.post("automations/filter")

    assert {name: row["id"] for name, row in prefect.deployments().items()} == before
    assert [each["name"] for each in automations] == ["retrain-on-finding"]


def test_a_worker_runs_train_a_task_a_stage_and_leaves_nothing_to_do(working):
    servers, prefect = working

    first = prefect.run("train")
    again = prefect.run("train")

    assert first["state_name"] == again["state_name"] == "Completed", first["state"]["message"]
    assert prefect.task_names(first)[:2] == ["stage prepare", "stage fit"]
    folder = servers.settings.project
    assert {pipeline.run_stage(folder, stage.name) for stage in pipeline.read_graph(folder)} == {"skipped"}
    log = subprocess.run(["git", "log", "--format=%s", "--", "dvc.lock"], cwd=folder, capture_output=True, text=True)
    assert log.stdout.splitlines() == ["Record a pipeline run"]
    assert _flow_runs_behind(servers.settings, "model") == [f"prefect://local/flow-run/{first['id']}"]


def test_a_worker_runs_monitor_to_its_end_even_when_nothing_is_deployed(working):
    _, prefect = working

    assert prefect.run("monitor")["state_name"] == "Completed"


def test_a_month_that_is_not_mature_ends_the_run_as_refused_without_a_traceback(working):
    _, prefect = working

    run = prefect.run("monitor", {"parameters": {"month": "2098-12"}})

    assert (run["state_type"], run["state_name"]) == ("FAILED", "Refused")
    assert run["state"]["message"].startswith("Monitoring 2098-12 is refused. Its predictions are mature at 2099-01")
    logs = [row["message"] for row in prefect.post("logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}})]
    assert not [line for line in logs if "Traceback" in line]


def test_a_failing_stage_fails_the_run_with_its_sentence(working):
    servers, prefect = working
    project = servers.settings.project
    graph = yaml.safe_load(GRAPH)
    graph["stages"]["fit"]["cmd"] = "python -c \"raise SystemExit('fit: rate: 13 is not allowed. Choose another.')\""
    (project / "dvc.yaml").write_text(yaml.safe_dump(graph))

    failed = prefect.run("train")

    assert failed["state_name"] == "Failed"
    assert "rate: 13 is not allowed. Choose another." in failed["state"]["message"]
    (project / "dvc.yaml").write_text(GRAPH)
