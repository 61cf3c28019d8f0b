"""What a confined process cannot do, tried by real processes that try it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.any_version

BEFORE = """
import errno, json, os, socket, subprocess, sys, threading
from handrail.approvals.adapters.confinement import confine, leave_the_network
network = leave_the_network()
given = confine(5, 256)
def tried(action):
    try:
        action()
    except BaseException as err:
        return type(err).__name__
    return "done"
"""
ATTEMPTS = {
    "opening a socket": "socket.socket().connect(('127.0.0.1', 9))",
    "a socket of this machine": "socket.socket(socket.AF_UNIX)",
    "reading credentials": "open(sys.argv[1]).read()",
    "reading the system's accounts": "open('/etc/passwd').read()",
    "writing a file": "open('x', 'w')",
    "starting a program": "subprocess.run(['true'])",
    "a fork": "os.fork()",
    "a thread": "threading.Thread(target=print).start()",
    "signalling its parent": "os.kill(os.getppid(), 9)",
    "removing a file": "os.unlink(sys.argv[1])",
    "becoming root": "os.setuid(0)",
    "ten gigabytes": "bytearray(10 << 30)",
}


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "gate-signing-key.pem"
    file.write_text("secret")
    file.chmod(0o600)
    return file


def _run(code, *arguments, cwd):
    run = subprocess.run(
        [sys.executable, "-B", "-c", BEFORE + code, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return run


def test_whatever_is_not_computing_is_refused(secret, tmp_path):
    lines = "\n".join(f"seen[{name!r}] = tried(lambda: {action})" for name, action in ATTEMPTS.items())
    run = _run(f"seen = {{}}\n{lines}\nprint(json.dumps(seen))", secret, cwd=tmp_path)

    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert {name for name, what in seen.items() if what == "done"} == set()
    assert seen["ten gigabytes"] == "MemoryError"
    assert secret.read_text() == "secret"


def test_it_says_what_was_given(tmp_path):
    given = json.loads(_run("print(json.dumps(given | {'network': network}))", cwd=tmp_path).stdout)

    assert given["system_calls"] == "filtered"
    assert given["user"] in ("nobody", "the server's")
    assert (given["seconds"], given["megabytes"]) == (5, 256)


def test_computing_without_end_is_ended(tmp_path):
    run = _run("while True: pass", cwd=tmp_path)

    assert run.returncode in (-24, -9)


def test_computing_goes_on(tmp_path):
    run = _run("print(sum(range(10**6)), flush=True)", cwd=tmp_path)

    assert (run.returncode, run.stdout) == (0, "499999500000\n")
