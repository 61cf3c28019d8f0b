"""Running the graph of dvc.yaml stage by stage: outcomes, refusals, interrupts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.steps.project import pipeline
from flows.steps.project.pipeline import StageFailed
from handrail.errors import Conflict, UnknownReference

GRAPH = """
stages:
  prepare:
    cmd: python step.py prepare
    deps: [step.py, data/labels.csv]
    params: [rows]
    outs: [data/prepared]
  fit:
    cmd: python step.py fit
    deps: [data/prepared]
    params: [rate]
    outs: [model]
    metrics: [reports/fit.json: {cache: false}]
  report:
    cmd: python step.py report
    deps: [data/prepared]
    outs: [page]
"""
STEP = """
import json, os, pathlib, sys, time, yaml
stage = sys.argv[1]
params = yaml.safe_load(open("params.yaml"))
print("working in", os.environ["HANDRAIL_PROJECT"])
if stage == "fit" and params["rate"] == 13:
    sys.exit("fit: rate: 13 is not allowed. Choose another.")
if stage == "fit" and params["rate"] == 14:
    pathlib.Path("started").write_text(str(os.getpid()))
    time.sleep(60)
target = pathlib.Path({"prepare": "data/prepared", "fit": "model", "report": "page"}[stage])
target.mkdir(parents=True, exist_ok=True)
(target / "content").write_text(f"{params['rows']} {params['rate'] if stage == 'fit' else ''}")
if stage == "fit":
    pathlib.Path("reports").mkdir(exist_ok=True)
    json.dump({"rate": params["rate"]}, open("reports/fit.json", "w"))
"""


def _run(folder, *command):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _dvc(folder, *arguments):
    return _run(folder, sys.executable, "-m", "dvc", *arguments)


def _set(project, **values):
    (project / "params.yaml").write_text("".join(f"{name}: {value}\n" for name, value in values.items()))


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    """A project under git and DVC, with a tracked file in cache and remote; made once, copied for each test."""
    folder = tmp_path_factory.mktemp("laid-out") / "project"
    (folder / "data").mkdir(parents=True)
    _run(folder, "git", "init", "--quiet")
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / ".dvc" / "config").write_text("[core]\n    remote = local\n['remote \"local\"']\n    url = ../remote\n")
    (folder / "dvc.yaml").write_text(GRAPH)
    (folder / "step.py").write_text(STEP)
    (folder / "data" / "labels.csv").write_text("a,1\n")
    _set(folder, rows=3, rate=1)
    _dvc(folder, "add", "--quiet", "data/labels.csv")
    _dvc(folder, "push", "--quiet")
    return folder


@pytest.fixture
def project(laid_out, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    shutil.copytree(laid_out, folder)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(folder))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


def _outcomes(folder):
    return {stage.name: pipeline.run_stage(folder, stage.name) for stage in pipeline.read_graph(folder)}


def test_the_graph_is_read_from_dvc_yaml_and_tracked_files_are_no_stages(project):
    stages = pipeline.read_graph(project)

    assert {stage.name: stage.after for stage in stages} == {
        "prepare": (),
        "fit": ("prepare",),
        "report": ("prepare",),
    }
    assert stages[0].name == "prepare"


def test_until_leaves_out_what_it_does_not_need(project):
    assert [stage.name for stage in pipeline.read_graph(project, "fit")] == ["prepare", "fit"]


def test_an_unknown_stage_is_named(project):
    with pytest.raises(UnknownReference, match="no stage named 'fitt'.*prepare"):
        pipeline.read_graph(project, "fitt")


def test_ran_skipped_and_restored_are_distinguished_and_nothing_is_left_to_do(project):
    first = _outcomes(project)
    again = _outcomes(project)
    _set(project, rows=3, rate=2)
    changed = _outcomes(project)
    _set(project, rows=3, rate=1)
    back = _outcomes(project)

    assert set(first.values()) == {"ran"}
    assert set(again.values()) == {"skipped"}
    assert changed == {"prepare": "skipped", "fit": "ran", "report": "skipped"}
    assert back == {"prepare": "skipped", "fit": "restored", "report": "skipped"}
    assert json.loads(_dvc(project, "status", "--json")) == {}


def test_several_stages_run_by_one_dvc_with_an_outcome_each(project):
    stages = [stage.name for stage in pipeline.read_graph(project)]
    lines = []

    first = pipeline.run_stages(project, stages, report=lines.append)
    _set(project, rows=3, rate=2)
    pipeline.run_stages(project, stages)
    _set(project, rows=3, rate=1)
    back = pipeline.run_stages(project, stages)

    assert first == dict.fromkeys(stages, "ran")
    assert back == {"prepare": "skipped", "fit": "restored", "report": "skipped"}
    assert lines.count(f"working in {project}") == len(stages)


def test_the_stage_that_failed_is_named_among_several_and_the_earlier_ones_stand(project):
    _set(project, rows=3, rate=13)

    with pytest.raises(StageFailed, match="^The stage 'fit' failed: fit: rate: 13 is not allowed. Choose another.$"):
        pipeline.run_stages(project, ["prepare", "fit", "report"])

    assert pipeline.run_stage(project, "prepare") == "skipped"


def test_the_lines_of_a_stage_are_reported(project):
    lines = []

    pipeline.run_stage(project, "prepare", report=lines.append)

    assert f"working in {project}" in lines


def test_a_stage_waits_while_another_process_holds_the_whole_project(project):
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        repo.lock.lock()
        held, lines = True, []

        def report(line):
            nonlocal held
            lines.append(line)
            if held and "Unable to acquire lock" in line:
                held = False
                repo.lock.unlock()

        outcome = pipeline.run_stage(project, "prepare", report=report)

    assert outcome == "ran"
    assert not held


def test_two_stages_of_which_neither_reads_the_other_run_side_by_side(project):
    pipeline.run_stage(project, "prepare")

    with ThreadPoolExecutor() as threads:
        outcomes = list(threads.map(lambda stage: pipeline.run_stage(project, stage), ["fit", "report"]))

    assert outcomes == ["ran", "ran"]
    assert json.loads(_dvc(project, "status", "--json")) == {}


def test_a_failing_stage_gives_its_own_sentence_and_leaves_the_earlier_ones(project):
    _set(project, rows=3, rate=13)
    pipeline.run_stage(project, "prepare")

    with pytest.raises(StageFailed, match="'fit' failed: fit: rate: 13 is not allowed. Choose another."):
        pipeline.run_stage(project, "fit")

    assert not (project / "model").exists()
    assert pipeline.run_stage(project, "prepare") == "skipped"


def test_a_changed_tracked_file_stops_the_run_before_dvc_takes_it(project):
    recorded = (project / "data" / "labels.csv.dvc").read_text()
    (project / "data" / "labels.csv").unlink()
    (project / "data" / "labels.csv").write_text("b,2\n")

    with pytest.raises(Conflict, match="data/labels.csv"):
        pipeline.check_tracked_files(project)

    assert (project / "data" / "labels.csv.dvc").read_text() == recorded


def test_a_missing_tracked_file_is_brought_back(project):
    (project / "data" / "labels.csv").unlink()
    shutil.rmtree(project / ".dvc" / "cache")

    pipeline.check_tracked_files(project)

    assert (project / "data" / "labels.csv").read_text() == "a,1\n"


def test_an_interrupt_ends_the_stage_itself_and_the_next_run_goes_on(project):
    _set(project, rows=3, rate=14)
    pipeline.run_stage(project, "prepare")
    main = threading.get_ident()
    stopper = threading.Thread(target=_interrupt_when, args=(project / "started", main))
    stopper.start()

    # A background job's shell lets its processes ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            pipeline.run_stage(project, "fit")
    finally:
        signal.signal(signal.SIGINT, before)
    stopper.join()

    stage_pid = int((project / "started").read_text())
    assert _is_gone(stage_pid)
    _set(project, rows=3, rate=1)
    assert pipeline.run_stage(project, "prepare") == "skipped"
    assert pipeline.run_stage(project, "fit") == "ran"


def _interrupt_when(file: Path, thread: int, deadline_s: float = 60) -> None:
    until = time.monotonic() + deadline_s
    while not (file.exists() and file.read_text()) and time.monotonic() < until:
        threading.Event().wait(0.05)
    signal.pthread_kill(thread, signal.SIGINT)


def _is_gone(pid: int, deadline_s: float = 60) -> bool:
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        threading.Event().wait(0.05)
    return False
