"""`handrail approvals log verify` and `at`, on files and on a store, without a server."""

import json
import shutil
import socket
import subprocess
import sys
import time

import httpx
import pytest

from handrail.approvals import LogVerifier
from handrail.approvals.domain.notes import COSIGNATURE, VerifierKey
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_log import open_ledger, read_log_key, read_policy
from handrail.settings import load_settings
from tests.fakes.approvals_world import World
from tests.fakes.command import handrail_command
from tests.fakes.log_folder import replace_entries


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return load_settings()


@pytest.fixture
def world(settings):
    """A gate whose version 1 was promoted, and whose log's files are up to date."""
    with open_platform(settings) as platform:
        world = World(ledger=open_ledger(settings, migrated(platform.store))[0])
        world.promote()
        open_ledger(settings, platform.store)
        yield world


@pytest.fixture
def call(monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "approvals")


def test_the_projects_log_is_verified(settings, world, call):
    code, out, _ = call("log", "verify", "--json")

    assert code == 0
    assert json.loads(out)["leaves"] == 6
    assert "leaves" in call("log", "verify")[1]


def test_an_edited_leaf_is_named_in_one_sentence(settings, world, call):
    file = settings.log / "tile" / "entries" / "000.p" / "6"
    file.write_bytes(file.read_bytes().replace(b'"Ben"', b'"Eve"'))

    code, out, err = call("log", "verify")

    assert (code, out) == (1, "")
    request_id = world.gate.records.requests()[0].history.request.request_id
    assert f"Leaf 1 was edited (decided, {request_id})." in err
    assert len(err.strip().splitlines()) == 1


def test_a_kept_checkpoint_is_compared_and_replaced(settings, world, call, tmp_path):
    kept = tmp_path / "kept"
    assert call("log", "verify", "--since", kept)[0] == 1
    assert call("log", "verify", "--since", kept, "--keep", kept)[0] == 0
    assert kept.read_bytes() == (settings.log / "checkpoint").read_bytes()
    assert call("log", "verify", "--since", kept, "--keep", kept)[0] == 0
    replace_entries(settings.log, [], 6)

    code, _, err = call("log", "verify", "--since", kept, "--keep", kept)

    assert code == 1
    assert "leaves from 0 on are missing" in err
    assert kept.read_bytes() == (settings.log / "checkpoint").read_bytes()


def test_a_copy_is_verified_by_its_key_elsewhere(settings, world, call, tmp_path, monkeypatch):
    copy, key = tmp_path / "copy", tmp_path / "log.vkey"
    settings.log.rename(copy)
    (copy / "log.vkey").rename(key)
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "other"))

    assert call("log", "verify", "--log", copy, "--key", key)[0] == 0
    code, _, err = call("log", "verify", "--log", copy)
    assert code == 1
    assert "Copy log/log.vkey" in err


def test_at_says_who_when_by_which_rule_and_on_what(world, call):
    code, out, _ = call("at", "--time", "2026-06-01", "--json")

    assert code == 0
    found = json.loads(out)
    assert (found["version"], found["requester"], found["until"]) == (1, "ada", None)
    assert [row["person"] for row in found["approvers"]] == ["Ben", "Cleo"]
    assert found["policy_digest"].startswith("sha256:")
    shown = call("at", "--time", "2026-06-01")[1]
    assert "Cleo (cleo) approved at 2026-01-01" in shown
    assert "evaluation" in shown


def test_at_before_the_first_move_is_said(world, call):
    code, _, err = call("at", "--time", "2025-06-01")

    assert code == 1
    assert "The gate moved it first at 2026-01-01" in err


def test_a_permit_is_proven_without_the_log(settings, world, call, tmp_path):
    history = world.gate.records.requests()[0].history
    permit, proof, key = tmp_path / "permit.json", tmp_path / "permit.tlog-proof", tmp_path / "log.vkey"
    permit.write_text(history.done.envelope)
    assert call("log", "proof", history.request.request_id, "--out", proof)[0] == 0
    (settings.log / "log.vkey").rename(key)
    shutil.rmtree(settings.log)

    code, out, _ = call("log", "check-proof", proof, "--permit", permit, "--key", key, "--json")

    assert code == 0
    assert json.loads(out) == {
        "leaf": 4,
        "kind": "move-done",
        "request_id": history.request.request_id,
        "at": history.done.at.isoformat(),
    }
    permit.write_text(history.done.envelope + " ")
    assert "is about another permit" in call("log", "check-proof", proof, "--permit", permit, "--key", key)[2]
    lines = proof.read_bytes().split(b"\n")
    proof.write_bytes(b"\n".join([*lines[:3], lines[4], lines[3], *lines[5:]]))
    assert "does not lead from its leaf 4" in call("log", "check-proof", proof, "--permit", permit, "--key", key)[2]
    proof.write_bytes(b"x")
    assert "cannot be read" in call("log", "check-proof", proof, "--permit", permit, "--key", key)[2]


def test_a_request_without_a_permit_has_no_proof(world, call, tmp_path):
    world.register(2)
    request_id = world.ask(version="2", evidence={})

    assert "no logged permit" in call("log", "proof", request_id, "--out", tmp_path / "x")[2]
    assert not (tmp_path / "x").exists()


def test_a_policy_that_is_not_met_or_cannot_be_read_is_said(world, call, tmp_path):
    key = VerifierKey("example.com/w1", COSIGNATURE, bytes(32)).text
    (tmp_path / "policy").write_text(f"witness w1 {key}\nquorum w1\n")
    assert "cosigned by nobody, and the policy wants 'w1'" in call("log", "verify", "--policy", tmp_path / "policy")[2]
    (tmp_path / "policy").write_text("quorum w1\n")
    assert "line 1" in call("log", "verify", "--policy", tmp_path / "policy")[2]


def test_a_witness_over_http_cosigns_what_the_gate_logs(settings, world, tmp_path):
    """Both as they are used: the command, and the policy that names it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    state = tmp_path / "witness"
    command = [sys.executable, "-c", "from handrail.entrypoints.cli import main; main()", "approvals", "witness"]
    options = ["--key", tmp_path / "w.pem", "--name", "example.com/w1", "--state", state, "--port", port]
    process = subprocess.Popen([*map(str, [*command, *options, "--log", settings.log / "log.vkey"])])
    try:
        _wait_for(lambda: _answers(port))
        policy = settings.config / "log.policy"
        policy.parent.mkdir()
        policy.write_text(
            f"witness w1 {(state / 'witness.vkey').read_text().strip()} http://127.0.0.1:{port}\nquorum w1\n"
        )
        with open_platform(settings) as platform:
            open_ledger(settings, platform.store)
            verifier = LogVerifier(settings.log, read_log_key(settings.log / "log.vkey"))
            _wait_for(lambda: "example.com/w1 " in (settings.log / "checkpoint").read_text())
        assert verifier.verify(policy=read_policy(policy)).witnesses == ("w1",)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 404
    except httpx.HTTPError:
        return False


def _wait_for(condition, within_s=60):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
