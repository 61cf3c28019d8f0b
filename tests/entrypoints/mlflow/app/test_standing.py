"""What an alias did while the server ran without the gate is reported at the next start, and held."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import pytest

from handrail.errors import UnknownReference
from tests.fakes.mlflow_server import Server, settings_in, start, wait_until_up

pytestmark = pytest.mark.any_version

CHANGED = "UPDATE registered_model_aliases SET version = 2 WHERE alias = 'champion'"


@contextmanager
def _running(settings, log):
    with log.open("wb") as out:
        process = start(settings, out)
    try:
        wait_until_up(settings, process, log)
        yield Server(settings)
    finally:
        process.terminate()
        process.wait(60)


def test_an_alias_that_was_moved_in_the_database_is_reported_and_held(tmp_path):
    settings, log = settings_in(tmp_path), tmp_path / "log"
    with _running(settings, log) as server:
        server.make_accounts(("ada", "ben", "cleo"))
        server.write_roles()
        made = server.make_version()
        promoted = made.promote()
        assert promoted["verdict"] == "promoted"
        other = server.make_version(name=made.name)
        server.admin.close()
    with sqlite3.connect(settings.home / "mlflow" / "server.db") as database:
        assert database.execute(CHANGED).rowcount == 1
    database.close()

    with _running(settings, log) as server, server.person("ada") as http:
        refused = http.put(other.artifact("model.skops"), content=b"other weights")
        with server.gate("ada") as gate:
            adoption = gate.adopt(model=made.name, alias="champion", reason="it serves well")
            with pytest.raises(UnknownReference):
                gate.adopt(model="no-such-model", alias="champion", reason="it serves well")
        other.server = server
        other.say(adoption["request_id"], "ben")
        adopted = other.say(adoption["request_id"], "cleo")
        server.admin.close()

    said = log.read_text(errors="replace")
    sentence = f"The alias 'champion' of '{made.name}' points at version 2, but {promoted['request_id']} promoted"
    assert said.count(sentence) == 1
    assert refused.status_code == 403
    assert (adoption["adopts"], adoption["verdict"], adopted["verdict"]) == (True, "pending", "promoted")
    assert "Adopt it with 'handrail approvals adopt', or promote another version" in said
