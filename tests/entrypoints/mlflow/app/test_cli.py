"""`handrail approvals` against a real server, and offline."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import pytest

from handrail.bootstrap.approvals import permit_path
from handrail.entrypoints.cli import main
from handrail.entrypoints.cli.output import results
from tests.fakes.approvals import EVIDENCE
from tests.fakes.mlflow_server import password
from tests.fakes.sleeping_process import wait_until_asleep

pytestmark = pytest.mark.any_version

HANDRAIL = [sys.executable, "-c", "from handrail.entrypoints.cli import main; main()", "approvals"]


def _environment(settings, account="ben"):
    return {
        "HANDRAIL_PROJECT": str(settings.project),
        "HANDRAIL_HOME": str(settings.home),
        "HANDRAIL_MLFLOW_URL": settings.url("mlflow"),
        "MLFLOW_TRACKING_USERNAME": account,
        "MLFLOW_TRACKING_PASSWORD": password(account),
        "COLUMNS": "200",
    }


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(server, monkeypatch, capsys):
    def run(*words, account="ben", **changes):
        for name, value in (_environment(server.settings, account) | changes).items():
            monkeypatch.setenv(name, value)
        # Made when first imported, by whichever test came first; rich asks for COLUMNS only then.
        monkeypatch.setattr(results, "_width", 200)
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Answer(ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def evidence(tmp_path):
    words = []
    for name, content in EVIDENCE.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        words += ["--evidence", f"{name}={tmp_path / name}.json"]
    return words


def _request(run, made, evidence, **changes):
    words = ["request", "--model", made.name, "--version", made.version, "--reason", "better", *evidence]
    return run(*words, "--json", account="ada", **changes)


def test_ask_decide_list_show_and_verify(run, server, made, evidence):
    request_id = json.loads(_request(run, made, evidence).stdout)["request_id"]
    listed = run("list", "--open", "--json")
    assert request_id in [row["request_id"] for row in json.loads(listed.stdout)]

    assert run("decide", request_id, "--approve", "--reason", "checked the slices").returncode == 0
    done = run("decide", request_id, "--approve", "--reason", "worth it", "--json", account="cleo")
    digest = json.loads(done.stdout)["tree_digest"]

    shown = run("show", request_id)
    assert "promoted" in shown.stdout
    assert 'Ben said approve: "checked the slices"' in shown.stdout
    assert request_id in run("list").stdout
    permit = permit_path(server.settings, server.use(made), digest)
    offline = run(
        "verify",
        made.tree,
        "--model",
        made.name,
        "--permit",
        permit,
        "--json",
        HANDRAIL_MLFLOW_URL="http://127.0.0.1:9",
    )
    assert json.loads(offline.stdout)["approvers"] == ["Ben", "Cleo"]
    assert "Ben, Cleo" in run("verify", made.tree, "--model", made.name).stdout


def test_verify_names_the_file_that_differs(run, server, made, tmp_path):
    digest = made.promote()["tree_digest"]
    shutil.copytree(made.tree, tmp_path / "tree")
    (tmp_path / "tree" / "MLmodel").write_bytes(b"flavors: pickle!\n")

    permit = permit_path(server.settings, server.use(made), digest)
    answer = run("verify", tmp_path / "tree", "--model", made.name, "--permit", permit)

    assert answer.returncode == 1
    assert answer.stderr.startswith("error: ")
    assert "'MLmodel' differs" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_bytes_without_a_permit_are_not_verified(run, tmp_path):
    (tmp_path / "MLmodel").write_bytes(b"never promoted")

    answer = run("verify", tmp_path)

    assert answer.returncode == 1
    assert "and for exactly these bytes" in answer.stderr


def test_a_refusal_is_one_sentence_and_exit_code_1(run, made, evidence):
    request_id = json.loads(_request(run, made, evidence).stdout)["request_id"]

    answer = run("decide", request_id, "--approve", "--reason", "mine", account="ada")

    assert answer.returncode == 1
    assert "Ada made the candidate" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_refused_request_is_exit_code_1_with_the_reasons(run, made, evidence):
    answer = run("request", "--model", made.name, "--version", 1, "--reason", "x", *evidence[:2], account="ada")

    assert answer.returncode == 1
    assert "parity.max_difference is not in the evidence" in answer.stderr


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("evaluation", "is not name=file.json"),
        ("evaluation=/no/such.json", "cannot be read"),
        ("evaluation=list.json", "holds no JSON object"),
        ("evaluation=broken.json", "is not JSON"),
    ],
)
def test_bad_evidence_is_named(run, made, tmp_path, pair, words):
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    name, _, file = pair.partition("=")
    pair = f"{name}={tmp_path / file}" if file else pair

    answer = run("request", "--model", made.name, "--version", 1, "--reason", "x", "--evidence", pair, account="ada")

    assert answer.returncode == 1
    assert words in answer.stderr


def test_a_missing_password_is_named(run):
    answer = run("list", MLFLOW_TRACKING_PASSWORD="")

    assert answer.returncode == 1
    assert "MLFLOW_TRACKING_PASSWORD" in answer.stderr


def test_misuse_is_exit_code_2(run):
    assert run("decide", "pr-x").returncode == 2


def test_ctrl_c_in_approve_says_what_to_do(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = (
            os.environ
            | _environment(server.settings)
            | {"HANDRAIL_MLFLOW_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        )
        words = [*HANDRAIL, "decide", "pr-x", "--approve", "--reason", "x"]
        # Whoever runs the tests in the background of a script has Ctrl-C ignored, and children inherit that.
        listens = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True, preexec_fn=listens)
        connection, _ = silent.accept()
        with connection, process:
            request = connection.makefile("rb")
            assert request.readline().startswith(b"POST /handrail/api/v1/decisions")
            fields = dict(line.lower().rstrip().split(b": ", 1) for line in iter(request.readline, b"\r\n"))
            assert b"pr-x" in request.read(int(fields[b"content-length"]))
            wait_until_asleep(process.pid)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "The decision on pr-x was interrupted" in stderr
    assert "run the same command again" in stderr
    assert "Traceback" not in stderr
