"""A server that is asked to stop while it takes feedback: what it answered is on the disk, and it ends by itself."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

from handrail.bootstrap import Platform
from handrail.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
CALLERS, BEFORE, DEADLINE_S = 8, 60, 60
KINDS = "version: 1\nkinds:\n  rating: {maturity_window_hours: 1}\n"

SERVER = """
import socket, sys
from pathlib import Path
import uvicorn
from handrail.entrypoints.http.feedback import checked_by_host, feedback_app
from tests.entrypoints.http.test_feedback_stops import a_platform
with a_platform(Path(sys.argv[1])) as platform, socket.create_server(("127.0.0.1", 0)) as listener:
    platform.feedback.status()
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(feedback_app(platform, checked_by_host), log_level="error")).run(sockets=[listener])
"""


def a_platform(folder):
    return Platform(Settings(project=folder, home=folder / ".handrail", repository="shop"))


def an_event(name):
    said = {"prediction_id": name, "kind": "rating", "value": 1, "source": "desk"}
    return json.dumps(said | {"occurred_at": "2026-11-01T08:00:00Z", "event_id": name})


def send_until_it_ends(port, caller, answered, others, enough):
    """Report one event after the other; keep the names of those that were answered with 201."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    with closing(client), suppress(OSError, http.client.HTTPException):
        for number in range(100_000):
            name = f"{caller}-{number}"
            client.request("POST", "/v1/feedback", an_event(name), {"content-type": "application/json"})
            answer = client.getresponse()
            answer.read()
            others.extend([] if answer.status == 201 else [answer.status])
            answered.append(name)
            if len(answered) >= BEFORE:
                enough.set()


def test_a_server_that_is_stopped_under_load_has_kept_all_that_it_answered(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    answered, others, enough = [], [], threading.Event()
    callers = [
        threading.Thread(target=send_until_it_ends, args=(port, caller, answered, others, enough))
        for caller in range(CALLERS)
    ]
    for each in callers:
        each.start()
    assert enough.wait(DEADLINE_S)

    server.send_signal(signal.SIGTERM)
    _, said = server.communicate(timeout=DEADLINE_S)
    for each in callers:
        each.join(DEADLINE_S)

    assert (others, "Traceback" in said) == ([], False)
    assert server.returncode in (0, -signal.SIGTERM)
    with a_platform(tmp_path) as platform:
        log = platform.feedback
        assert [name for name in answered if len(log.feedback_about(name)) != 1] == []
        assert len(answered) <= log.status().feedback <= len(answered) + CALLERS
