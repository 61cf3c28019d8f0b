"""What a training script that knows nothing of Handrail leaves in lineage, and that collecting records the same."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, replace

import httpx
import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import server_name
from handrail.clock import system_time
from tests.fakes.lineage_rows import rows_of
from tests.fakes.mlflow_server import password
from tests.fakes.plain_training import FOUR_ROWS, environment, train, write_training

MLFLOW = "/api/2.0/mlflow"
MD5 = hashlib.md5(FOUR_ROWS.encode()).hexdigest()
DATA = f"dvc://shop/data/flights.csv@{MD5}"


@dataclass(frozen=True)
class Trained:
    """What the script made, and how its things are called."""

    name: str
    server: str
    commit: str
    made: dict
    env: dict
    folder: object

    def uri(self, kind, key):
        return f"mlflow://{self.server}/{kind}/{self.made[key]}"


@pytest.fixture(scope="session")
def trained(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training") / "project"
    commit = write_training(folder)
    logged_in = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": password("ada")}
    env = environment(server.url, **logged_in)
    made = json.loads(train(folder, "plain", env))
    return Trained("plain", server_name(server.settings), commit, made, env, folder)


@pytest.fixture(scope="session")
def collected(trained, tmp_path_factory):
    """Collect twice into one home, as the author's account; return that home and both answers."""
    home = tmp_path_factory.mktemp("collected")
    return home, [collect(trained, home, "--experiment", "plain", "--download") for _ in range(2)]


@pytest.fixture
def lineage(server):
    platform = open_platform(server.settings)
    yield platform.lineage
    platform.close()


def version_uri(server, name, version=1):
    found = server.admin.get("/api/2.0/mlflow/registered-models/get", params={"name": name}).json()
    epoch = found["registered_model"]["creation_timestamp"]
    return f"mlflow://{server_name(server.settings)}/registered/{name}/{epoch}/{version}"


def test_a_trace_from_the_version_reaches_run_bytes_commit_and_person(server, trained, lineage):
    trace = lineage.trace(version_uri(server, trained.name))

    found = {node.uri for node in trace.nodes}
    assert found >= {
        trained.uri("model", "model"),
        trained.uri("run", "run"),
        DATA,
        f"git://shop/{trained.commit}",
        f"actor://{trained.server}/Ada",
        f"actor://mlflow.user/{trained.made['user']}",
    }
    assert [node for node in trace.nodes if node.kind == "artifact-tree"]
    assert not trace.conflicts


def test_the_file_is_known_by_its_bytes_and_the_frame_beside_the_run(server, trained):
    rows = rows_of(server.settings.home)

    assert rows.attributes_of(DATA) == {"path": "data/flights.csv", "md5": MD5}
    sha256 = f"sha256:{hashlib.sha256(FOUR_ROWS.encode()).hexdigest()}"
    assert [row[5] for row in rows.statements if row[:3] == (trained.uri("run", "run"), 1, DATA)] == [sha256]
    said = rows.attributes_of(trained.uri("run", "run"))
    frame = {name.rpartition(".")[2]: value for name, value in said.items() if name.startswith("input.flights@")}
    assert frame == {"rows": "4", "context": "training"}
    assert (said["experiment"], said["status"], said["git_dirty"]) == ("plain", "FINISHED", "false")


def test_a_run_has_its_times_and_one_that_reads_a_model_follows_it(server, trained):
    rows = rows_of(server.settings.home)

    times = {row[0]: row[3:] for row in rows.nodes}
    started, ended = times[trained.uri("run", "run")]
    assert started < ended
    assert trained.uri("model", "model") in rows.causes_of(trained.uri("run", "judged"))
    (sample,) = (uri for uri in rows.causes_of(trained.uri("run", "judged")) if "/dataset/" in uri)
    assert rows.attributes_of(sample)["source"] == '{"url": "https://example.org/x.csv"}'


def test_the_alias_points_at_the_version_since_ada_set_it(server, trained, lineage):
    now = lineage.pointer_at("mlflow alias plain@candidate", system_time())

    assert (now.target, now.by) == (version_uri(server, "plain"), f"actor://{trained.server}/Ada")


@pytest.mark.any_version
def test_collecting_from_outside_records_the_same_as_the_server_did(server, trained, collected):
    home, (first, again) = collected

    assert (first["aliases"], again["aliases"]) == (1, 0)
    assert not again["refused"]
    recorded, read = rows_of(server.settings.home), rows_of(home)
    ours = {uri for uri, *_ in read.nodes}
    account = f"actor://{trained.server}/Ada"
    # Who was logged in is known to the server alone.
    assert {row for row in recorded.nodes if row[0] in ours} == read.nodes
    # So is who registered a version, and each knows by itself since when the record of a run is complete.
    assert _lasting(row for row in recorded.attributes if row[0] in ours) == _lasting(read.attributes)
    assert {row for row in recorded.statements if row[0] in ours and row[2] != account} == read.statements
    assert [row[:2] for row in recorded.pointers if "plain@" in row[0]] == [row[:2] for row in read.pointers]


@pytest.mark.any_version
def test_an_account_that_may_not_read_everything_is_said_to_see_a_part(server, trained, collected, tmp_path):
    _, (own, _) = collected

    everything = collect(as_admin(server, trained), tmp_path / "admin", "--experiment", "plain")

    assert own["limits"].startswith("The account 'ada' sees only what it may read")
    assert everything["limits"] == ""


def test_what_is_added_after_the_registration_is_shown_as_later_and_by_whom(server, made, lineage):
    key = f"mlflow://{server_name(server.settings)}/run/{made.run_id}"
    with server.person("ada") as http:
        ended = {"run_id": made.run_id, "status": "FINISHED", "end_time": 1}
        assert http.post(f"{MLFLOW}/runs/update", json=ended).status_code == 200
        closed = rows_of(server.settings.home).attributes_of(key)
        tag = {"run_id": made.run_id, "key": "mlflow.source.git.commit", "value": "e" * 40}
        assert http.post(f"{MLFLOW}/runs/set-tag", json=tag).status_code == 200

    held = rows_of(server.settings.home).attributes
    (later,) = (value for owner, name, value in held if (owner, name) == (key, "later") and "git://" in value)
    assert "record_closed" in closed
    assert f"/{'e' * 40}; first seen " in later
    assert later.endswith(f"actor://{server_name(server.settings)}/Ada")
    found = {node.uri for node in lineage.trace(version_uri(server, made.name)).nodes}
    assert not [uri for uri in found if uri.endswith("e" * 40)]


def test_while_lineage_is_locked_a_run_ends_all_the_same_and_its_next_word_is_recorded(server):
    other, name = open_platform(server.settings), server.new_name()
    # A flow run makes a second fact: if each were waited for as long as the gate waits, this client would give up.
    flow = {"key": "handrail.flow_run_id", "value": "f-1"}
    with httpx.Client(base_url=server.url, auth=("ada", password("ada")), timeout=15) as http:
        made = http.post(f"{MLFLOW}/experiments/create", json={"name": name}).json()
        run = http.post(f"{MLFLOW}/runs/create", json={**made, "tags": [flow]}).json()["run"]["info"]["run_id"]
        with other.store.write():
            ended = http.post(f"{MLFLOW}/runs/update", json={"run_id": run, "status": "FINISHED"})
        before = rows_of(server.settings.home).attributes_of(f"mlflow://{server_name(server.settings)}/run/{run}")
        tagged = http.post(f"{MLFLOW}/runs/set-tag", json={"run_id": run, **flow})
    other.close()

    after = rows_of(server.settings.home).attributes_of(f"mlflow://{server_name(server.settings)}/run/{run}")
    assert (ended.status_code, tagged.status_code) == (200, 200)
    assert "status" not in before
    assert (after["experiment"], after["status"]) == (name, "FINISHED")


def _lasting(attributes):
    return {row for row in attributes if row[1] not in ("registered_by", "record_closed")}


def as_admin(server, trained):
    admin = json.loads((server.settings.credentials / "mlflow-admin.json").read_text())
    login = {"MLFLOW_TRACKING_USERNAME": admin["username"], "MLFLOW_TRACKING_PASSWORD": admin["password"]}
    return replace(trained, env=trained.env | login)


def collect(trained, home, *options):
    words = ["lineage", "collect", "mlflow", "--json", "--server-name", trained.server, *options]
    env = trained.env | {"HANDRAIL_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", "from handrail.entrypoints.cli import main; main()", *words],
        cwd=trained.folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
