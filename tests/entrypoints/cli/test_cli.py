"""What all commands share: Ctrl-C, help with an example, JSON where something is answered."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from handrail.entrypoints.cli import approvals, build, feedback
from tests.fakes.sleeping_process import wait_until_asleep

HANDRAIL = Path(sys.executable).with_name("handrail")
# Whoever runs the tests in the background of a script has Ctrl-C ignored, and children inherit that.
LISTENS = partial(signal.signal, signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def environment(tmp_path):
    project = {"HANDRAIL_PROJECT": str(tmp_path), "HANDRAIL_HOME": str(tmp_path / "home")}
    return os.environ | project | {"COLUMNS": "200", "NO_COLOR": "1"}


def test_ctrl_c_is_exit_code_1_and_one_sentence(environment):
    words = [HANDRAIL, "feedback", "import", "-"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, env=environment, text=True, preexec_fn=LISTENS, **pipes) as process:
        # More than a pipe holds: once it is written, the command reads.
        process.stdin.write("\n" * 1_000_000)
        process.stdin.flush()
        wait_until_asleep(process.pid)
        process.send_signal(signal.SIGINT)
        error = process.stderr.read()
        code = process.wait(timeout=60)

    assert (code, error.count("\n")) == (1, 1), error
    assert error.startswith("Interrupted. What was done stays done")


@pytest.mark.parametrize("group", [(), ("approvals",), ("lineage",), ("lineage", "token"), ("feedback",)], ids="-".join)
def test_the_help_of_a_group_ends_with_an_example(environment, group):
    done = subprocess.run([HANDRAIL, *group, "--help"], env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0
    assert done.stdout.strip().splitlines()[-1].strip().startswith(f"Example: {' '.join(('handrail', *group))} ")


def test_assembling_again_adds_no_command_to_a_noun():
    build()
    before = [len(noun.app.registered_commands) for noun in (approvals, feedback)]

    build()

    assert [len(noun.app.registered_commands) for noun in (approvals, feedback)] == before


def test_a_token_says_what_it_allows(environment):
    def token(*words):
        found = subprocess.run([HANDRAIL, "lineage", "token", *words], env=environment, capture_output=True, text=True)
        return found.returncode, found.stdout

    code, made = token("create", "dbt", "--may", "send", "--may", "ask", "--namespace", "s3://lake", "--json")
    token("create", "all")

    assert (code, json.loads(made)["may"], json.loads(made)["namespaces"]) == (0, ["ask", "send"], ["s3://lake"])
    assert [(each["may"], each["namespaces"]) for each in json.loads(token("list", "--json")[1])] == [
        (["ask", "send"], []),
        (["ask", "send"], ["s3://lake"]),
    ]
    shown = token("list")[1]
    assert "may ask, send in every namespace" in shown
    assert "may ask, send in s3://lake" in shown
    assert token("create", "x", "--namespace", "/")[0] == 1
    assert token("create", "x", "--may", "everything")[0] == 2


def test_revoking_a_token_is_answered_in_json(environment):
    def token(*words):
        words = [HANDRAIL, "lineage", "token", *words]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout

    token("create", "airflow")

    assert json.loads(token("revoke", "airflow", "--json")) == {"name": "airflow", "revoked": True}
    assert json.loads(token("list", "--json")) == []
