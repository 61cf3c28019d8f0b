"""Labelled rows that need a second person, on a real server: they wait, are looked at, confirmed, and measured."""

import json
import sys

import httpx
import pytest
import yaml

from handrail.entrypoints.cli import main
from handrail.entrypoints.cli.output import results
from handrail.errors import Refused, UnknownReference
from tests.fakes.labelled_rows import files_of, labelled_rows, write_rows
from tests.fakes.mlflow_server import password
from tests.fakes.page_forms import facts_at, fields_of, page_at, send_form

pytestmark = pytest.mark.any_version
POLICY = {
    "version": 2,
    "alias": "twice",
    "quorum": {"ml-engineer": 1, "business-stakeholder": 1},
    "rules": [{"measure": "evaluation.roc_auc", "at_least": 0.74}],
}


@pytest.fixture
def made(server, tmp_path):
    """A version of a model whose rows a person with the role ml-engineer has to confirm."""
    policy, plans = server.settings.config / "policies" / "twice.yaml", server.settings.config / "evaluation.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    made = server.make_version(files=files_of(tmp_path / "tree"))
    plans.write_text(yaml.safe_dump({"version": 1, "models": {made.name: {"custody": ["ml-engineer"]}}}))
    server.take_files()
    yield made
    policy.unlink()
    plans.unlink()
    server.take_files()


@pytest.fixture
def snapshot(server, made, tmp_path):
    with server.gate("ada") as gate:
        return gate.hand_in(made.name, write_rows(tmp_path / "rows.parquet", labelled_rows(seed=3)))


@pytest.fixture
def run(server, monkeypatch, capsys):
    """Run `handrail approvals snapshots` as an account; return its exit code and what it printed."""

    def run(*words, account="ben"):
        values = {
            "HANDRAIL_PROJECT": server.settings.project,
            "HANDRAIL_HOME": server.settings.home,
            "HANDRAIL_MLFLOW_URL": server.settings.url("mlflow"),
            "MLFLOW_TRACKING_USERNAME": account,
            "MLFLOW_TRACKING_PASSWORD": password(account),
        }
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(results, "_width", 300)
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", "snapshots", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


def _ask(server, made, snapshot):
    with server.gate("ada") as gate:
        asked = {"model": made.name, "version": made.version, "alias": "twice", "reason": "better", "evidence": {}}
        return gate.measured(gate.open_request(**asked, snapshot=snapshot))


def test_a_request_waits_for_the_second_person_and_is_measured_once_they_confirmed(server, made, snapshot):
    waiting = _ask(server, made, snapshot)

    assert waiting["verdict"] == "evaluating"
    assert waiting["waits"] == waiting["reasons"][0]
    assert "which ada handed in, wait for the confirmation of another person: Ben" in waiting["waits"]
    with server.gate("cleo") as gate, pytest.raises(Refused, match="holds none of the roles that confirm"):
        gate.snapshots.confirm(made.name, snapshot)
    with server.gate("ada") as gate, pytest.raises(Refused, match="Ada handed them in"):
        gate.snapshots.confirm(made.name, snapshot)
    with server.gate("ben") as gate:
        confirmed = gate.snapshots.confirm(made.name, snapshot)
        measured = gate.measured(gate.request(waiting["request_id"]))

    assert [each["person"] for each in confirmed["confirmed"]] == ["Ben"]
    assert measured["verdict"] == "pending", measured["reasons"]
    assert measured["evaluation"]["confirmed"] == ["Ben"]
    assert _ask(server, made, snapshot)["request_id"] == waiting["request_id"]


def test_the_command_line_lists_shows_and_confirms(server, made, snapshot, run):
    _, listed, _ = run("list", "--model", made.name)
    code, shown, _ = run("show", snapshot, "--model", made.name)
    done, as_json, _ = run("confirm", snapshot, "--model", made.name, "--json")

    assert snapshot in listed
    assert "nobody" in listed
    assert code == 0
    for words in ("600, of which 600 have a label", "31, from 2013-07-01 to 2013-07-31", "flight_id", "ada at"):
        assert words in shown
    assert "another ml-engineer: Ben" in shown
    assert done == 0
    assert json.loads(as_json)["confirmed"][0]["account"] == "ben"


def test_what_is_wrong_ends_in_one_sentence(server, made, snapshot, run):
    for words in (("show", "sha256:1"), ("confirm", "sha256:" + "0" * 64), ("list", "--model", "nothing")):
        code, _, said = run(*words, *(() if "--model" in words else ("--model", made.name)))

        assert code == 1
        assert len(said.strip().splitlines()) == 1
    with server.gate("ben") as gate, pytest.raises(UnknownReference, match="no snapshot named"):
        gate.snapshots.shown(made.name, "sha256:" + "0" * 64)
    assert httpx.get(f"{server.url}/handrail/api/v1/snapshots?model={made.name}").status_code == 401


def _path(made, snapshot):
    return f"/handrail/rows/{made.name}/{snapshot.replace(':', '%3A')}"


def test_rows_are_looked_at_and_confirmed_on_a_page_by_whoever_may(server, made, snapshot):
    waiting = _ask(server, made, snapshot)
    path, request = _path(made, snapshot), f"/handrail/requests/{waiting['request_id']}"
    with server.person("cleo") as cleo:
        waits = page_at(cleo, request).text
        listed = facts_at(cleo, f"/handrail/rows?model={made.name}")
        look = page_at(cleo, path).text
    with server.person("ben") as ben:
        form = page_at(ben, path).text
        sent = send_form(ben, f"{path}/confirmation", fields_of(form, "confirmation"))
        after = page_at(ben, sent.headers["Location"]).text
    with server.gate("ben") as gate:
        gate.measured(gate.request(waiting["request_id"]))
    with server.person("cleo") as cleo:
        measured = page_at(cleo, request).text

    assert "its labelled rows wait for a second person" in waits
    assert "Look at the rows, and confirm them" in waits
    assert [(row["snapshot"], row["is_mine"]) for row in listed["waiting"]] == [(snapshot, False)]
    assert "600, of which 600 have a label" in look
    assert 'method="post"' not in look
    assert "Ben could" in look
    assert sent.status_code == 303
    assert "Your confirmation is recorded." in after
    assert "handed in by Ada (ada), confirmed by Ben" in measured


def test_a_confirmation_by_a_form_of_another_person_or_page_records_nothing(server, made, snapshot):
    path = _path(made, snapshot)
    with server.person("ben") as ben, server.person("cleo") as cleo:
        own = fields_of(page_at(ben, path).text, "confirmation")
        refused = [
            send_form(cleo, f"{path}/confirmation", own),
            send_form(ben, f"{path}/confirmation", {"token": ""}),
            send_form(ben, f"{path}/confirmation", own, Origin="http://evil.example"),
            send_form(ben, f"{path}/confirmation", own, **{"Sec-Fetch-Site": "cross-site"}),
            ben.post(f"{path}/confirmation", data=own),
        ]
        said = page_at(cleo, f"{path}?said=confirmed").text
        facts = facts_at(ben, path)

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert facts["confirmed"] == []
    assert "Your confirmation is recorded." not in said


def test_rows_that_are_not_there_or_of_a_model_that_may_not_be_read_are_a_sentence(server, made, snapshot):
    with server.person("ben") as ben:
        gone = page_at(ben, _path(made, "sha256:" + "0" * 64))
        unread = page_at(ben, _path(made, "sha256"))
        body = {"username": "ben", "resource_type": "registered_model", "resource_id": made.name, "permission": "DENY"}
        assert server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=body).status_code == 200
        denied = [page_at(ben, _path(made, snapshot)), page_at(ben, f"/handrail/rows?model={made.name}")]
        every = facts_at(ben, "/handrail/rows")

    assert (gone.status_code, unread.status_code) == (404, 400)
    assert [answer.status_code for answer in denied] == [403, 403]
    assert made.name not in {row["model"] for row in (*every["waiting"], *every["others"])}
