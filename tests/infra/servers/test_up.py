"""`make up` on a fresh clone: everything starts, the bento says why it serves nothing, Ctrl-C leaves no process."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from honcho.printer import Message

from flows.steps.project.workspace import bring_clone, committer_environment, git
from handrail.settings import load_settings
from infra.servers.supervisor import address_of, settings_environment, with_free_ports
from infra.servers.up import Logs, choose_state, works_in
from infra.servers.welcome import reason

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 300


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(ROOT))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return with_free_ports(load_settings())


def _up(settings):
    return subprocess.Popen(
        [sys.executable, "-m", "infra.servers.up"],
        cwd=ROOT,
        env={**os.environ, **settings_environment(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _members(group):
    """Return the processes of a group that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_everything_starts_on_a_fresh_clone_and_ctrl_c_leaves_nothing(settings):
    said, answers = [], {}

    with _up(settings) as up:
        watchdog = threading.Timer(DEADLINE_S, os.killpg, (up.pid, signal.SIGKILL))
        watchdog.start()
        for line in up.stdout:
            said.append(line)
            if "Ctrl-C stops everything" in line:
                answers = {
                    "bento": httpx.get(f"{address_of(settings, 'bento')}/readyz", timeout=30),
                    "mlflow": httpx.get(f"{address_of(settings, 'mlflow')}/health", timeout=30),
                    "prefect": httpx.post(f"{address_of(settings, 'prefect')}/api/deployments/count", json={}),
                    "lineage": httpx.get(f"{address_of(settings, 'lineage')}/api/v1/lineage/trace?ref=x"),
                }
                os.killpg(up.pid, signal.SIGINT)
        watchdog.cancel()
    shown = "".join(said)
    groups = [int(pid) for pid in re.findall(r"started \(pid=(\d+)\)", shown)]

    assert answers, shown
    assert answers["bento"].status_code == 503
    assert answers["mlflow"].status_code == 200
    assert answers["prefect"].json() == 9
    assert answers["lineage"].status_code == 401
    assert "No permitted model" in shown
    for name in ("mlflow", "prefect", "bento", "evidently", "lineage"):
        assert address_of(settings, name) in shown
    assert str(settings.credentials) in shown
    assert up.returncode == 0
    assert len(groups) == 7
    assert not [pid for group in groups for pid in _members(group)]


def test_a_taken_port_is_one_sentence_and_exit_code_1(settings):
    with socket.socket() as listener:
        listener.bind((settings.host, settings.ports.prefect))
        listener.listen()
        with _up(settings) as up:
            said = up.stdout.read()

    assert up.returncode == 1
    assert said.splitlines() == [
        f"error: Port {settings.ports.prefect} on 127.0.0.1, for Prefect: it is taken. Choose another: "
        f"HANDRAIL_PORTS__PREFECT={_suggested(said)}, or ports.prefect in config/handrail.yaml."
    ]


def _suggested(said):
    return re.search(r"HANDRAIL_PORTS__PREFECT=(\d+)", said)[1]


def test_a_finished_demo_is_what_is_shown(settings):
    project = settings.home / "demo" / "project"
    project.mkdir(parents=True)
    (project / "dvc.yaml").write_text("stages: {}\n")
    summary = settings.home / "demo" / "summary.json"

    without = choose_state(settings)
    summary.write_text(json.dumps({"ok": False}))
    failed = choose_state(settings)
    summary.write_text(json.dumps({"ok": True}))
    (settings.home / "replay").mkdir()
    (settings.home / "replay" / "now").write_text("2013-12-31T23:00:00+00:00")
    finished = choose_state(settings)

    assert without == failed == settings
    assert finished.project == project
    assert finished.replay


@pytest.fixture
def after_demo(settings, tmp_path, monkeypatch):
    """Return a checkout, and the settings of the clone that a demo made of it and committed its people in."""
    for name, value in committer_environment().items():
        monkeypatch.setenv(name, value)
    checkout, clone = tmp_path / "checkout", settings.home / "demo" / "project"
    (checkout / "config").mkdir(parents=True)
    git(checkout, "init", "--quiet")
    (checkout / "config" / "objectives.yaml").write_text("target: 9.0\n")
    (checkout / "config" / "roles.yaml").write_text("persons: {}\n")
    _commit(checkout)
    bring_clone(checkout, clone)
    (clone / "config" / "roles.yaml").write_text("persons: {Ada: {}}\n")
    _commit(clone)
    return checkout, settings.model_copy(update={"project": clone})


def _commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change")
    return git(folder, "rev-parse", "HEAD")


def test_the_demos_project_follows_what_the_checkout_committed(after_demo):
    checkout, settings = after_demo
    (checkout / "config" / "objectives.yaml").write_text("target: 5.0\n")
    head = _commit(checkout)

    said = works_in(settings, checkout)

    assert (settings.project / "config" / "objectives.yaml").read_text() == "target: 5.0\n"
    assert (settings.project / "config" / "roles.yaml").read_text() == "persons: {Ada: {}}\n"
    assert f"It has commit {head[:12]} of {checkout}" in said[0]
    merged = git(settings.project, "rev-parse", "HEAD")
    assert works_in(settings, checkout) == said
    assert git(settings.project, "rev-parse", "HEAD") == merged


def test_what_is_not_committed_is_named_as_not_in_use(after_demo):
    checkout, settings = after_demo
    (checkout / "config" / "objectives.yaml").write_text("target: 5.0\n")

    said = works_in(settings, checkout)

    assert said[1] == f"Not committed in {checkout}, and so not in use by flows: config/objectives.yaml."
    assert (settings.project / "config" / "objectives.yaml").read_text() == "target: 9.0\n"


def test_a_conflict_with_the_demos_own_change_is_named_and_leaves_its_project_as_it_was(after_demo):
    checkout, settings = after_demo
    before = git(settings.project, "rev-parse", "HEAD")
    (checkout / "config" / "roles.yaml").write_text("persons: {Rosa: {}}\n")
    _commit(checkout)

    said = works_in(settings, checkout)

    assert f"Newer commits of {checkout} are not in use there." in said[0]
    assert "changes what it changed itself: config/roles.yaml" in said[0]
    assert f"git -C {settings.project} pull {checkout} HEAD" in said[0]
    assert git(settings.project, "rev-parse", "HEAD") == before
    assert git(settings.project, "status", "--porcelain") == ""


def test_without_a_demo_the_checkout_is_what_is_named(after_demo):
    checkout, settings = after_demo

    said = works_in(settings.model_copy(update={"project": checkout}), checkout)

    assert said == [f"Servers work in {checkout}, flows in clones of its last commit."]


def test_the_reason_of_a_problem_document_is_shown():
    assert reason(httpx.Response(503, json={"detail": "No permitted model."})) == "No permitted model."
    assert reason(httpx.Response(503, text="down")) == "down"
    assert reason(httpx.Response(503)) == "status 503"


def test_the_server_that_ended_first_is_the_one_that_is_named(tmp_path):
    logs = Logs(tmp_path / "logs")
    clock = datetime(2026, 1, 1, tzinfo=UTC)

    for name, data in (
        ("mlflow", b"hello\n"),
        ("system", "worker stopped (rc=1)\n"),
        ("system", "mlflow stopped (rc=0)\n"),
    ):
        logs.write(Message(type="line", data=data, time=clock, name=name, colour=None))

    assert logs.first_to_end == "Prefect worker"
    assert (tmp_path / "logs" / "mlflow.log").read_bytes() == b"hello\n"
