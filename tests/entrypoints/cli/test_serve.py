"""`handrail serve` and `handrail lineage token` as a user runs them: real processes, a real port."""

import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.fakes.lineage_events import a_run_event

HANDRAIL = str(Path(sys.executable).with_name("handrail"))
DEADLINE_S = 60


@pytest.fixture
def environment(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return os.environ | {
        "HANDRAIL_PROJECT": str(tmp_path),
        "HANDRAIL_HOME": str(tmp_path / ".handrail"),
        "HANDRAIL_PORTS__LINEAGE": str(port),
    }


def handrail(environment, *arguments):
    done = subprocess.run([HANDRAIL, *arguments], env=environment, capture_output=True, text=True, timeout=DEADLINE_S)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def server(environment):
    process = subprocess.Popen([HANDRAIL, "serve"], env=environment, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{environment['HANDRAIL_PORTS__LINEAGE']}"
    try:
        _wait(process, url)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def _wait(process, url):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/livez", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            continue
    raise AssertionError(f"the server did not start: {process.stderr.read() if process.poll() is not None else ''}")


def test_a_token_is_printed_once_and_opens_the_door(environment, server):
    process, url = server
    code, token, told = handrail(environment, "lineage", "token", "create", "airflow")
    assert (code, len(token.split())) == (0, 1)
    assert "cannot be shown again" in told
    assert handrail(environment, "lineage", "token", "create", "airflow")[0] == 1
    code, listed, _ = handrail(environment, "lineage", "token", "list", "--json")
    assert (json.loads(listed)[0]["holder"], token.strip() in listed) == ("actor://service/airflow", False)

    event = a_run_event(eventTime=datetime.now(UTC).isoformat())
    sent = httpx.post(
        f"{url}/api/v1/lineage", json=event, headers={"authorization": f"Bearer {token.strip()}"}, trust_env=False
    )

    assert sent.status_code == 201, sent.text
    assert handrail(environment, "lineage", "trace", f"openlineage-run://{event['run']['runId']}")[0] == 0
    code, _, error = handrail(environment, "serve")
    assert code == 1
    assert "HANDRAIL_PORTS__LINEAGE" in error
    assert "Traceback" not in error
    process.terminate()
    assert "Nobody has a token yet" in process.communicate(timeout=DEADLINE_S)[1]
    assert handrail(environment, "lineage", "token", "revoke", "airflow")[0] == 0
