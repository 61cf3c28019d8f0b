"""Decisions that are signed by their persons, on a real server and by its commands."""

import base64
import json
import sqlite3
import subprocess
import sys

import pytest

from handrail.approvals import NotSigned, SigningKey
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals_check import check
from handrail.entrypoints.cli import main
from handrail.entrypoints.http.gate_signing import sign_decision, sign_emergency, sign_rule_decision
from handrail.settings import load_settings
from tests.fakes.mlflow_server import PERSONS, password


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The private keys of Ben and Cleo, as ssh-keygen makes them, by the names of their accounts."""
    folder = tmp_path_factory.mktemp("keys")
    made = {account: folder / account for account in ("ben", "cleo", "eve")}
    for file in made.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return made


@pytest.fixture
def signed(server, keys):
    """A fresh version of a model whose policy asks for signatures."""
    made = server.make_version()
    file = server.settings.config / "policies" / f"{made.name}.yaml"
    quorum = "quorum: {ml-engineer: 1, business-stakeholder: 1}\nbreak_glass: [ml-engineer]\n"
    file.write_text(
        f"version: 2\naliases: [champion]\nmodels: ['{made.name}']\nsignatures: per-person\n{quorum}", encoding="utf-8"
    )
    with_keys = {
        person: keys_of | {"keys": [keys[account].with_suffix(".pub").read_text()]}
        for person, keys_of in PERSONS.items()
        for account in [keys_of["accounts"][0]]
        if account in keys
    }
    server.write_roles(persons=PERSONS | with_keys)
    yield made
    file.unlink()


def _decide(server, request_id, account, key):
    with server.gate(account) as gate:
        shown = gate.request(request_id)
        signature = sign_decision(SigningKey.from_file(key), shown, "approve", "fine", account)
        return gate.decide(request_id, "approve", "fine", seen=shown["seen"], signature=signature)


def test_two_signed_approvals_promote_and_show_by_which_key(server, signed, keys):
    request_id = signed.ask()["request_id"]
    with pytest.raises(NotSigned, match="--sign"), server.gate("ben") as ben:
        ben.decide(request_id, "approve", "fine", seen=ben.request(request_id)["seen"])
    with pytest.raises(NotSigned, match="is none of those that Ben has"):
        _decide(server, request_id, "ben", keys["eve"])
    _decide(server, request_id, "ben", keys["ben"])

    promoted = _decide(server, request_id, "cleo", keys["cleo"])

    assert promoted["verdict"] == "promoted"
    used = [SigningKey.from_file(keys[account]).public.key_id for account in ("ben", "cleo")]
    assert [row["signed_by"] for row in promoted["decisions"]] == used
    with server.gate("ada") as ada:
        envelope = json.loads(ada.permit(server.use(signed)))
    permit = json.loads(base64.b64decode(envelope["payload"]))
    assert [row["key"] for row in permit["predicate"]["approvers"]] == used


STRANGE = (
    "x",
    [],
    {"key_id": "k"},
    {"key_id": 1, "at": "a", "value": "b"},
    {"key_id": "k" * 999, "at": "a", "value": "b"},
)


def test_what_is_no_signature_is_refused_with_its_field(server, signed):
    body = {"request_id": signed.ask()["request_id"], "decision": "approve", "reason": "fine"}
    with server.person("ben") as http:
        answers = [http.post("/handrail/api/v1/decisions", json=body | {"signature": bad}) for bad in STRANGE]

    assert {answer.status_code for answer in answers} == {422}
    assert {answer.json()["field"].partition(".")[0] for answer in answers} == {"signature"}


@pytest.fixture
def run(server, monkeypatch, capsys):
    def run(account, *words):
        environment = {
            "HANDRAIL_PROJECT": str(server.settings.project),
            "HANDRAIL_HOME": str(server.settings.home),
            "HANDRAIL_MLFLOW_URL": server.url,
            "MLFLOW_TRACKING_USERNAME": account,
            "MLFLOW_TRACKING_PASSWORD": password(account),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_the_command_signs_what_was_shown(server, signed, keys, run):
    request_id = signed.ask()["request_id"]
    words = ("decide", request_id, "--approve", "--reason", "fine", "--sign", keys["ben"])
    code, _, err = run("ben", *words)
    assert code
    assert "--seen" in err
    _, shown, _ = run("ben", "show", request_id, "--json")

    code, out, err = run("ben", *words, "--seen", json.loads(shown)["seen"])

    assert code == 0, err
    assert f"Ben said approve, signed by {SigningKey.from_file(keys['ben']).public.key_id}" in out


def test_breaking_the_glass_is_signed_too(server, signed, keys):
    said = {"model": signed.name, "version": signed.version, "alias": "champion", "reason": "nothing answers"}
    with server.gate("ben") as ben:
        with pytest.raises(NotSigned):
            ben.break_glass(**said)
        name, moved = ben.rules.in_force()["server"], (signed.name, signed.version, "Champion")
        signature = sign_emergency(SigningKey.from_file(keys["ben"]), name, moved, said["reason"], "ben")
        assert ben.break_glass(**said, signature=signature)["verdict"] == "promoted"


def test_a_change_of_such_rules_is_signed(server, signed, keys):
    file = server.settings.config / "policies" / f"{signed.name}.yaml"
    file.write_text(file.read_text().replace("signatures: per-person\n", ""), encoding="utf-8")
    with server.gate("ada") as ada:
        change_id = ada.rules.propose("less to do")["change_id"]
    with server.gate("ben") as ben:
        with pytest.raises(NotSigned):
            ben.rules.decide(change_id, "approve", "fine")
        change = ben.rules.change(change_id)
        signature = sign_rule_decision(SigningKey.from_file(keys["ben"]), change, "approve", "fine", "ben")
        assert ben.rules.decide(change_id, "approve", "fine", signature=signature)["decisions"][0]["signed_by"]


def test_check_finds_no_fault_with_what_is_signed_and_an_edited_signature(server, signed, keys, monkeypatch):
    request_id = signed.ask()["request_id"]
    _decide(server, request_id, "ben", keys["ben"])
    monkeypatch.setenv("HANDRAIL_PROJECT", str(server.settings.project))
    monkeypatch.setenv("HANDRAIL_HOME", str(server.settings.home))

    def problems():
        with open_platform(load_settings()) as platform:
            return [problem for problem in check(platform, None) if request_id in problem]

    assert problems() == []
    database = server.settings.approvals_url.removeprefix("sqlite:///")
    with sqlite3.connect(database) as connection:
        where = "where request_id = ? and kind = 'decided'"
        (body,) = connection.execute(f"select body from approvals_event {where}", (request_id,)).fetchone()
        value = json.loads(body)["signature"]["value"]
        edited = body.replace(value, value[:-4] + "AA==")
        connection.execute(f"update approvals_event set body = ? {where}", (edited, request_id))
    found = problems()
    with sqlite3.connect(database) as connection:
        connection.execute(f"update approvals_event set body = ? {where}", (body, request_id))

    assert any("is not what leaf" in problem for problem in found)
    assert any(problem.startswith(f"The signature in {request_id!r}, where Ben said approve") for problem in found)
