"""What was tried and refused on a real server: noted in its log with who tried, and seldom enough not to fill it."""

import json
import sqlite3
from contextlib import closing

import pytest

from handrail.approvals import NotEligible
from tests.fakes.mlflow_server import password

pytestmark = pytest.mark.any_version


def _attempts(server):
    with closing(sqlite3.connect(server.settings.home / "handrail.db")) as connection:
        rows = connection.execute("select leaf from approvals_leaf where request_id is null").fetchall()
    leaves = [json.loads(row[0]) for row in rows]
    found = [leaf["facts"] for leaf in leaves if leaf["kind"] == "attempt-refused"]
    return [(each["attempt"], each["account"], each["sentence"]) for each in found if each["alarm"]]


def test_a_direct_move_is_noted_with_who_tried(server):
    # Attempts are noted once a minute for an account, and this server is shared: nobody else is trent.
    account = {"username": "trent", "password": password("trent")}
    assert server.admin.post("/api/2.0/mlflow/users/create", json=account).status_code == 200
    made = server.make_version(author="trent", files={"MLmodel": b"flavors: {of: trent}\n"})
    with server.person("trent") as http:
        for _ in range(20):
            body = {"name": made.name, "alias": "champion", "version": "1"}
            assert http.post("/api/2.0/mlflow/registered-models/alias", json=body).status_code == 403

    mine = [each for each in _attempts(server) if each[:2] == ("direct", "trent")]
    assert 1 <= len(mine) <= 2
    assert "Changing the alias 'champion'" in mine[0][2]


def test_a_decision_by_somebody_who_may_not_is_noted(server, made):
    request_id = made.ask()["request_id"]

    with pytest.raises(NotEligible):
        made.say(request_id, "ada")

    assert any(kind == "decision" and who == "ada" for kind, who, _ in _attempts(server))
