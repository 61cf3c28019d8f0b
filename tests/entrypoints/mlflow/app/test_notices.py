"""What the gate writes on MLflow's own pages, on a real server: it is there, and nobody else can write it."""

import html
import time
from contextlib import nullcontext
from threading import Event

import pytest

API = "/api/2.0/mlflow"
DEADLINE_S = 30


def _version(made):
    """Return description and tags of the version."""
    answer = made.server.admin.get(
        f"{API}/model-versions/get", params={"name": made.name, "version": str(made.version)}
    )
    found = answer.json()["model_version"]
    return found.get("description", ""), {tag["key"]: tag["value"] for tag in found.get("tags", [])}


def _until(made, status):
    """Return description and tags once the version says where its request stands."""
    deadline, pause = time.monotonic() + DEADLINE_S, Event()
    while time.monotonic() < deadline:
        description, tags = _version(made)
        if tags.get("approval.champion.status") == status:
            return description, tags
        pause.wait(0.1)
    raise AssertionError(_version(made))


def _describe(made, account, text):
    body = {"name": made.name, "version": str(made.version), "description": text}
    with made.server.person(account) as http:
        return http.patch(f"{API}/model-versions/update", json=body)


def test_a_request_and_its_decisions_are_on_the_page_of_the_version(server, made):
    assert _describe(made, "ada", "Trained on **June**.").status_code == 200
    asked = made.ask()["request_id"]
    description, tags = _until(made, "pending")
    assert description.endswith("Trained on **June**.")
    assert f"(/handrail/requests/{asked})" in description
    assert tags["approval.champion.requested_by"] == "ada"

    made.promote()
    description, tags = _until(made, "in-use")

    assert tags["approval.champion.decided_by"] == "Ben, Cleo"
    assert "Cleo approved on" in html.unescape(description)
    assert description.endswith("Trained on **June**.")


def test_the_model_leads_to_the_history_of_its_alias(server, made):
    made.ask()
    _until(made, "pending")

    found = server.admin.get(f"{API}/registered-models/get", params={"name": made.name}).json()["registered_model"]

    assert f"(/handrail/timeline/{made.name}/champion)" in found["description"]
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    assert tags["approval.champion.timeline"] == f"/handrail/timeline/{made.name}/champion"


def test_a_rejection_and_a_void_request_are_there_too(server, made):
    asked = made.ask()["request_id"]
    made.say(asked, "ben", "reject")
    _until(made, "rejected")
    other = server.make_version(name=made.name)
    other.ask()
    _until(other, "pending")

    third = server.make_version(name=made.name)
    third.promote()

    _until(third, "in-use")
    description, _ = _until(other, "void")
    assert "the version that the alias points at changed" in html.unescape(description)


@pytest.mark.parametrize("account", ["ada", "admin"])
def test_nobody_writes_as_the_gate(server, made, account):
    made.ask()
    before, _ = _until(made, "pending")
    forged = before.replace("Waits for decisions", "The alias points here since 2026-01-01") + "\n\nReally."
    name = {"name": made.name, "version": str(made.version)}
    tag = {"key": "approval.champion.status", "value": "in-use"}
    with server.person("ada") if account == "ada" else nullcontext(server.admin) as http:
        refused = http.post(f"{API}/model-versions/set-tag", json=name | tag)
        assert refused.status_code == 403
        assert http.patch(f"{API}/model-versions/update", json=name | {"description": forged}).status_code == 200

    description, tags = _version(made)

    assert tags["approval.champion.status"] == "pending"
    assert "The alias points here since" not in description
    assert "Waits for decisions" in description
    assert description.endswith("Really.")


def test_a_copy_begins_without_it(server, made):
    made.ask()
    before, _ = _until(made, "pending")
    body = {"name": made.name, "source": f"models:/{made.name}/{made.version}", "description": f"{before}\n\nCopied."}
    with server.person("ada") as http:
        copied = http.post(f"{API}/model-versions/create", json=body).json()["model_version"]

    assert copied["description"].strip() == "Copied."
    assert not any(tag["key"].startswith("approval.") for tag in copied.get("tags", []))


def test_a_name_and_a_reason_are_text(server):
    made = server.make_version(name="x](javascript-alert) <img src=x>")
    with server.gate("ada") as gate:
        asked = dict(model=made.name, version=made.version, alias="champion", reason="[a](javascript:alert(1)) <b>")
        gate.open_request(**asked, evidence={"evaluation": {"roc_auc": 0.76}})

    description, _ = _until(made, "refused")

    assert "](javascript" not in description
    assert "<b>" not in description
    assert "<img" not in description
    assert "[a](javascript:alert(1)) <b>" in html.unescape(description)
