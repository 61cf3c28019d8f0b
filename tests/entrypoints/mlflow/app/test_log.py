"""The transparency log of a real server: what people do is in files that anybody can check, a moment later."""

import json
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from handrail.errors import Refused
from tests.entrypoints.mlflow.app.test_start import CREATE
from tests.fakes.mlflow_server import settings_in

pytestmark = pytest.mark.any_version

DEADLINE_S = 30


def leaves_about(server, request_id):
    with sqlite3.connect(server.settings.home / "handrail.db") as connection:
        wanted = "select leaf from approvals_leaf where request_id = ? order by number"
        rows = connection.execute(wanted, (request_id,)).fetchall()
    connection.close()
    return [json.loads(row[0]) for row in rows]


def wait_until_published(settings, size):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        lines = (settings.log / "checkpoint").read_text().split("\n")
        if int(lines[1]) >= size:
            return lines
    raise AssertionError(f"The files have {lines[1]} leaves, not {size}.")


def test_a_promotion_is_in_the_log_and_in_its_files(server, made):
    request_id = made.promote()["request_id"]

    found = leaves_about(server, request_id)

    assert [leaf["kind"] for leaf in found] == [
        *("opened", "decided", "decided", "move-intended", "move-done", "published")
    ]
    assert [leaf["facts"].get("person") for leaf in found[1:3]] == ["Ben", "Cleo"]
    lines = wait_until_published(server.settings, found[-1]["number"] + 1)
    assert lines[0] == (server.settings.log / "log.vkey").read_text().split("+")[0]
    assert (server.settings.credentials / "log-signing-key.pem").stat().st_mode & 0o777 == 0o600


def test_an_approval_by_sql_promotes_nothing(server, made):
    request_id = made.ask()["request_id"]
    made.say(request_id, "ben")
    with sqlite3.connect(server.settings.home / "handrail.db") as connection:
        wanted = "select body from approvals_event where request_id = ?"
        body = connection.execute(wanted, (request_id,)).fetchone()[0].replace("ben", "cleo").replace("Ben", "Cleo")
        connection.execute("insert into approvals_event values (?, 1, 'decided', ?)", (request_id, body))
    connection.close()

    with pytest.raises(Refused, match="has an event 1 of kind 'decided' without a leaf in the log"):
        made.say(request_id, "ben")

    assert made.champion() is None


def test_a_lost_key_of_the_log_stops_the_start_with_one_sentence(tmp_path):
    settings = settings_in(tmp_path)
    env = {"HANDRAIL_PROJECT": str(settings.project), "HANDRAIL_HOME": str(settings.home)}
    settings.log.mkdir(parents=True)
    (settings.log / "log.vkey").write_text("handrail/local-1+5f2a5f2a+AQ==\n")
    run = subprocess.run(
        [sys.executable, "-c", CREATE], env=_environment(tmp_path) | env, capture_output=True, text=True
    )

    assert run.returncode == 1
    said = run.stderr.strip().splitlines()
    assert said[-1].startswith("error: ")
    assert "log.vkey is gone. Restore it from a backup" in said[-1]
    assert "Traceback" not in run.stderr


def _environment(folder):
    return os.environ | {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'server.db'}",
        "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{folder / 'server.db'}",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
