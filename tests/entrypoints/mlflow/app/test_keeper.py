"""A server whose ledger and keys a keeper has, both started by one command."""

import subprocess
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from handrail.approvals import Choice, NotSigned, PermitVerifier, SigningKey
from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.socket_custody import SocketPredictions, SocketSnapshotBook
from handrail.approvals.adapters.socket_ledger import SocketLedger
from handrail.approvals.domain.events import Decided
from handrail.approvals.domain.row_custody import RowsConfirmed
from handrail.bootstrap.approvals_keeper import keeper_settings
from handrail.bootstrap.approvals_rules import take_files
from handrail.entrypoints.http.gate_signing import sign_decision
from handrail.errors import Refused
from infra.servers.supervisor import commands, environment
from tests.fakes.labelled_rows import files_of, labelled_rows, write_rows
from tests.fakes.mlflow_server import PERSONS, Server, settings_in, wait_until_up


@pytest.fixture(scope="module")
def kept():
    # The path of a socket is short, so not below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="kept-") as name:
        folder = Path(name)
        settings = settings_in(folder)
        settings.home.mkdir()
        command = ["handrail", "approvals", "keeper", "--", "/bin/sh", "-c", commands()["mlflow"]]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment(settings, "mlflow"), cwd=settings.home, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            wait_until_up(settings, process, folder / "log")
            server = Server(keeper_settings(settings))
            server.make_accounts()
            server.write_roles()
            yield server
            server.admin.close()
        finally:
            process.terminate()
            process.wait(60)
        assert "Traceback" not in (folder / "log").read_text()


def test_a_promotion_passes_through_the_keeper(kept, tmp_path):
    made = kept.make_version()
    made.promote()

    home = kept.settings.gate_home
    (permit,) = home.glob(f"permits/*/{made.name}/champion/*.json")
    verifier = PermitVerifier(home / "permits" / "gate.pub")
    verifier.verify(made.tree, permit, tmp_path / "copy", kept.use(made))
    assert made.champion() == str(made.version)


def test_what_the_gate_keeps_lies_in_the_keeper_s_folder_alone(kept):
    home = kept.settings.gate_home

    assert (home / "ledger" / "approvals.db").is_file()
    assert (home / "credentials" / "gate-signing-key.pem").is_file()
    own = kept.settings.credentials
    assert [file.name for file in own.iterdir() if file.suffix == ".pem"] == []
    assert not (kept.settings.home / "permits").exists()


def test_refusals_and_answers_are_those_of_a_gate_without_a_keeper(kept):
    made = kept.make_version()
    request_id = made.ask()["request_id"]

    direct = kept.admin.post(
        "/api/2.0/mlflow/registered-models/alias",
        json={"name": made.name, "alias": "champion", "version": str(made.version)},
    )
    with kept.person("ada") as ada:
        body = {"request_id": request_id, "decision": "approve", "reason": "mine"}
        own = ada.post("/handrail/api/v1/decisions", json=body)
        listed = ada.get("/handrail/api/v1/promotion-requests", params={"state": "open"}).json()

    assert (direct.status_code, own.status_code) == (403, 403)
    assert "Ada made the candidate" in own.json()["detail"]
    assert request_id in [row["request_id"] for row in listed["requests"]]


def test_the_records_can_be_read_with_the_settings_of_the_server(kept):
    settings = kept.settings
    env = environment(settings, "mlflow") | {
        "HANDRAIL_APPROVALS_HOME": str(settings.approvals_home),
        "HANDRAIL_APPROVALS_SOCKET": str(settings.approvals_socket),
    }

    for command in (["check"], ["log", "verify"]):
        run = subprocess.run(
            ["handrail", "approvals", *command], env=env, cwd=settings.project, capture_output=True, text=True
        )
        assert run.returncode == 0, (command, run.stdout, run.stderr)


def test_where_signatures_are_asked_for_code_of_the_server_decides_for_nobody(kept, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ben"], check=True)
    made = kept.make_version()
    policy = f"version: 2\naliases: [champion]\nmodels: ['{made.name}']\nsignatures: per-person\n"
    file = kept.settings.config / "policies" / "signed.yaml"
    file.write_text(policy + "quorum: {ml-engineer: 1}\n", encoding="utf-8")
    public = (tmp_path / "ben.pub").read_text()
    kept.write_roles(persons=PERSONS | {"Ben": PERSONS["Ben"] | {"keys": [public]}})
    with suppress(Refused):  # in force already, if nobody was named before
        take_files(keeper_settings(kept.settings), "a test")
    request_id = made.ask()["request_id"]
    with kept.gate("ben") as ben, KeeperClient(keeper_settings(kept.settings).approvals_socket) as keeper:
        ledger, shown = SocketLedger(keeper), ben.request(request_id)
        history = ledger.load(request_id)
        forged = Decided(datetime.now(UTC), "ben", "Ben", Choice.APPROVE, "fine", shown["seen"])

        with pytest.raises(NotSigned, match="signed by its person"):
            ledger.append(history, forged)
        signature = sign_decision(SigningKey.from_file(tmp_path / "ben"), shown, "approve", "fine", "ben")
        with pytest.raises(NotSigned, match="not that of this decision"):
            ledger.append(history, replace(forged, reason="something else", signature=signature))
        promoted = ben.decide(request_id, "approve", "fine", seen=shown["seen"], signature=signature)

    assert promoted["verdict"] == "promoted"
    assert promoted["decisions"][0]["signed_by"] == signature.key_id


@pytest.fixture
def rules(kept):
    """Write files of rules and bring them into force, for one test."""
    written = []

    def write(name, content):
        written.append(kept.settings.config / name)
        written[-1].write_text(yaml.safe_dump(content), encoding="utf-8")
        with suppress(Refused):
            take_files(kept.settings, "a test")

    yield write
    for file in written:
        file.unlink()
    with suppress(Refused):
        take_files(kept.settings, "a test")


def test_rows_are_confirmed_by_a_second_person_through_the_keeper_and_by_nobody_else(kept, rules, tmp_path):
    made = kept.make_version(files=files_of(tmp_path / "tree"))
    policy = {"version": 2, "alias": "twice", "quorum": {"ml-engineer": 1}}
    rules("policies/twice.yaml", policy | {"rules": [{"measure": "evaluation.roc_auc", "at_least": 0.74}]})
    rules("evaluation.yaml", {"version": 1, "models": {made.name: {"custody": ["ml-engineer"]}}})
    asked = {"model": made.name, "version": made.version, "alias": "twice", "reason": "better", "evidence": {}}
    with kept.gate("ada") as ada:
        snapshot = ada.hand_in(made.name, write_rows(tmp_path / "rows.parquet", labelled_rows(seed=3)))
        waiting = ada.measured(ada.open_request(**asked, snapshot=snapshot))
        with pytest.raises(Refused, match="Ada handed them in"):
            ada.snapshots.confirm(made.name, snapshot)
    with KeeperClient(kept.settings.approvals_socket) as keeper:
        for person in ("Ben", "Ada"):  # code of the server, past its gate
            forged = RowsConfirmed(snapshot, made.name, "ada", person, datetime.now(UTC))
            with pytest.raises(Refused, match="handed them in|belongs to"):
                SocketSnapshotBook(keeper).confirm(forged)
        assert list(SocketSnapshotBook(keeper).confirmations(snapshot)) == []

    with kept.gate("ben") as ben:
        confirmed = ben.snapshots.confirm(made.name, snapshot)
        measured = ben.measured(ben.request(waiting["request_id"]))

    assert waiting["verdict"] == "evaluating"
    assert [each["person"] for each in confirmed["confirmed"]] == ["Ben"]
    assert (measured["verdict"], measured["evaluation"]["confirmed"]) == ("pending", ["Ben"])


def test_predictions_are_committed_through_the_keeper_at_its_own_moment(kept, tmp_path):
    made = kept.make_version(files=files_of(tmp_path / "tree", (0.0, 0.25)))
    file = tmp_path / "predictions.parquet"
    pl.DataFrame({"flight_id": ["a", "b"], "score": [0.25, 0.5]}).write_parquet(file)

    before = datetime.now(UTC)
    with kept.gate("ada") as ada:
        committed = ada.commit_predictions(made.name, made.version, file)
        again = ada.commit_predictions(made.name, made.version, file)
    with kept.gate("dora") as dora, pytest.raises(Refused, match="may not change|lacks the permission"):
        dora.commit_predictions(made.name, made.version, file)

    assert before <= datetime.fromisoformat(committed["at"]) <= datetime.now(UTC)
    assert again == committed
    name = f"{committed['predictions'].removeprefix('sha256:')}.parquet"
    (held,) = kept.settings.home.rglob(name)
    assert held.is_relative_to(kept.settings.gate_home)
    with KeeperClient(kept.settings.approvals_socket) as keeper:
        (known,) = SocketPredictions(keeper).committed(committed["tree_digest"])
    assert (known.digest, known.at.isoformat()) == (committed["predictions"], committed["at"])


def test_a_prompt_passes_through_the_keeper(kept, rules):
    name, is_prompt = f"ruled-{kept.new_name()}", {"key": "mlflow.prompt.is_prompt", "value": "true"}
    rules(
        "policies/prompts.yaml",
        {"version": 2, "aliases": ["champion"], "prompts": [name], "quorum": {"ml-engineer": 1}},
    )
    text = {"key": "mlflow.prompt.text", "value": f"Hello {{{{name}}}}, {name}"}
    with kept.person("ada") as ada:
        for path, body in (
            ("registered-models/create", {"name": name, "tags": [is_prompt]}),
            ("model-versions/create", {"name": name, "source": "prompt-template", "tags": [is_prompt, text]}),
        ):
            assert ada.post(f"/api/2.0/mlflow/{path}", json=body).status_code == 200
    with kept.gate("ada") as ada:
        asked = ada.open_request(model=name, version=1, alias="champion", reason="kind", evidence={})
    with kept.gate("ben") as ben:
        promoted = ben.decide(asked["request_id"], "approve", "read it")

    assert (asked["authors"], asked["prompt"], promoted["verdict"]) == (["ada"], True, "promoted")
