"""The page `flows/README.md`, typed in a fresh checkout: from `dvc repro` to an answer of the served model."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from handrail.settings import load_settings
from infra.servers.supervisor import settings_environment, with_free_ports
from tests.loop.conftest import ROOT, copy_checkout, git, plain_environment

PAGE = ROOT / "flows" / "README.md"
BLOCK = re.compile(r"(<!-- repeat -->\n)?```bash\n(.*?)```", re.DOTALL)
WITHIN_S = 900
DRAINED_WITHIN_S = 60
REPEATED = """attempt() {{ {lines}
}}
for _ in $(seq 150); do attempt && break; sleep 2; done
"""


@pytest.fixture
def checkout(loop, tmp_path):
    """A checkout as a new user has it; what the demo made already is in its DVC cache, so that the test is quick."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    copy_checkout(folder)
    shutil.copy(loop.clone / "params.yaml", folder)
    git(folder, "commit", "--quiet", "--all", "--message", "Fewer flights")
    (folder / ".dvc" / "cache").symlink_to(loop.clone / ".dvc" / "cache")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    return folder


@pytest.fixture
def servers(checkout):
    """`make up` in that checkout, on free ports; yields the settings once everything answers."""
    settings = with_free_ports(load_settings(checkout))
    command = [sys.executable, "-m", "infra.servers.up"]
    environment = plain_environment() | settings_environment(settings)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=checkout, env=environment, start_new_session=True, **pipes) as up:
        watchdog = threading.Timer(WITHIN_S, os.killpg, (up.pid, signal.SIGKILL))
        watchdog.start()
        try:
            assert any("Ctrl-C stops everything" in line for line in up.stdout)
            yield settings
        finally:
            watchdog.cancel()
            os.killpg(up.pid, signal.SIGINT)
            up.communicate(timeout=60)


def script_of(page, settings):
    """Return the commands of a page as one script, with the ports of these settings for the usual ones."""
    blocks = [REPEATED.format(lines=lines) if repeat else lines for repeat, lines in BLOCK.findall(page)]
    script = "".join(blocks)
    for tool, usual in (("mlflow", 5000), ("bento", 3000)):
        script = script.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{getattr(settings.ports, tool)}")
    return script


def test_the_commands_of_the_page_lead_to_an_answer_that_traces(checkout, servers):
    environment = plain_environment() | settings_environment(servers)
    script = script_of(PAGE.read_text(encoding="utf-8"), servers)

    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )

    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    answer = json.loads(run.stdout[run.stdout.index('{"predictions"') :])
    command = [
        Path(sys.executable).with_name("handrail"),
        "lineage",
        "trace",
        answer["predictions"][0]["prediction_id"],
    ]
    deadline = time.monotonic() + DRAINED_WITHIN_S
    while True:
        # The service writes an answer down before it gives it, and moves it into the log within a second.
        trace = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=120)
        if trace.returncode == 0 or time.monotonic() > deadline:
            break
    assert trace.returncode == 0, trace.stderr
    assert all(words in trace.stdout.lower() for words in ("permit", "training set", "git commit"))
