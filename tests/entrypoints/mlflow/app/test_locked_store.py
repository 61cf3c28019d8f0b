"""Another process holds Handrail's store: training goes on, and its makers are not forgotten."""

import sqlite3

import pytest

pytestmark = pytest.mark.any_version


@pytest.fixture
def locked(server):
    connection = sqlite3.connect(server.settings.home / "handrail.db", isolation_level=None)
    connection.execute("begin immediate")
    yield connection
    connection.close()


def test_training_goes_on_and_its_makers_are_known_afterwards(server, locked):
    # Bytes of his own: who uploads equal ones first is an author of all later ones.
    made = server.make_version(author="ben", files={"model.skops": b"while the store was locked"})
    with server.person("ben") as http:
        metric = {"run_id": made.run_id, "key": "auc", "value": 0.7, "timestamp": 1}
        assert http.post("/api/2.0/mlflow/runs/log-metric", json=metric).status_code == 200
    assert (server.settings.home / "mlflow" / "makers.spool").exists()

    locked.execute("rollback")
    request = made.ask("ben")

    assert request["authors"] == ["ben"]
    assert request["verdict"] == "pending"
    assert not (server.settings.home / "mlflow" / "makers.spool").exists()
