"""What a user does next in the demo's clone: repeat the pipeline, change a parameter, trace by hand, run it again."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.loop.conftest import git, plain_environment, read_summary


def test_repeating_the_pipeline_changes_nothing(loop):
    run = loop.run("dvc", "repro")

    assert run.returncode == 0, run.stderr
    assert "up to date" in run.stdout
    assert git(loop.clone, "status", "--porcelain") == ""


def test_one_training_parameter_runs_training_and_what_follows_alone(loop, tmp_path):
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", loop.clone, copy.name)
    (copy / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {loop.clone / '.dvc' / 'cache'}\n")
    loop.run("dvc", "checkout", folder=copy)
    params = copy / "params.yaml"
    params.write_text(re.sub(r"max_iter: \d+", "max_iter: 3", params.read_text()))

    status = json.loads(loop.run("dvc", "status", "--json", folder=copy).stdout)

    assert set(status) == {"train"}


def test_the_command_line_traces_and_follows(loop):
    prediction = loop.figures("trace")["prediction"]

    back = loop.run("handrail", "lineage", "trace", prediction, "--json")
    forward = loop.run("handrail", "lineage", "impact", "data/raw/flights/2013-03.csv", "--json")

    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["prediction_id"] == prediction
    assert forward.returncode == 0, forward.stderr


@pytest.mark.parametrize(("verb", "more"), [("trace", ()), ("impact", ()), ("reproduce", ("--dry-run",))])
def test_the_commands_of_the_closing_screen_run_as_they_are_printed(loop, verb, more):
    (line,) = [line for line in loop.said.splitlines() if line.startswith(".venv/bin/handrail") and verb in line]

    run = subprocess.run(
        [Path(sys.executable).with_name("handrail"), *line.split()[1:], *more],
        cwd=loop.checkout,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout


@pytest.mark.whole_loop
def test_a_second_demo_is_right_and_faster(loop):
    began = time.monotonic()

    run = subprocess.run(
        [sys.executable, "-m", "infra.demo", "--short"],
        cwd=loop.checkout,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=1500,
    )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    first, second = loop.first, read_summary(loop.checkout)
    for step in ("train", "package", "monitor", "retrain", "compare", "rollout", "trace"):
        assert _lasting(second, step) == _lasting(first, step)
    for name in ("days", "flights", "outcome_reports", "outcomes_corrected", "predictions"):
        assert _lasting(second, "replay")[name] == _lasting(first, "replay")[name]
    assert _lasting(second, "serve")["deployment"] == _lasting(first, "rollout").get(
        "deployment", _lasting(first, "serve")["deployment"]
    ), "what is served is what the alias points at"
    assert time.monotonic() - began < loop.first["wall_s"]
    assert second["ok"]


def _lasting(summary, step):
    """Return a step's figures without those that say what this very run had to do."""
    figures = next(each["figures"] for each in summary["steps"] if each["name"] == step)
    return {name: value for name, value in figures.items() if name not in ("dvc", "flow_run")}
