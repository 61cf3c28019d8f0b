"""Prompts through the gate of a real server: named ones move by a request alone, and load as they were approved."""

import json
import sqlite3
import sys

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from handrail import prompts
from handrail.approvals import UnverifiedBytes
from handrail.entrypoints.cli import main
from handrail.errors import InvalidInput, Refused, Unavailable, UnknownReference
from tests.fakes.mlflow_server import password

API = "/api/2.0/mlflow"
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"}]
CONFIG = {"model_name": "small", "temperature": 0.2}
FORMAT = {"type": "object", "required": ["answer"]}
POLICY = """
version: 2
aliases: [champion]
prompts: ['ruled-*']
quorum: {ml-engineer: 1}
rules:
  - {measure: evaluation.exact_match, at_least: 0.8, level: claimed, because: it answers}
"""
EVIDENCE = {"evaluation": {"exact_match": 0.9}}


@pytest.fixture(scope="module", autouse=True)
def _ruled(server):
    file = server.settings.config / "policies" / "prompts.yaml"
    file.write_text(POLICY, encoding="utf-8")
    server.take_files()
    yield
    file.unlink()
    server.take_files()


@pytest.fixture(autouse=True)
def _service(server, monkeypatch):
    """The environment of a service that loads with ada's login."""
    monkeypatch.setenv("HANDRAIL_PROJECT", str(server.settings.project))
    monkeypatch.setenv("HANDRAIL_HOME", str(server.settings.home))
    monkeypatch.setenv("HANDRAIL_MLFLOW_URL", server.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password("ada"))


@pytest.fixture
def name(server):
    return f"ruled-{server.new_name()}"


def _ask(server, name, version=1, **changes):
    sent = {"model": name, "version": version, "alias": "champion", "reason": "kinder", "evidence": EVIDENCE}
    with server.gate("ada") as gate:
        return gate.open_request(**sent | changes)


def _say(server, request_id, account="ben", decision="approve"):
    with server.gate(account) as gate:
        return gate.decide(request_id, decision, "read it")


def _promote(server, name, version=1):
    answer = _say(server, _ask(server, name, version)["request_id"])
    assert answer["verdict"] == "promoted"
    return answer


def _behind_the_server(server, name, tag, value):
    """Write a tag of version 1 into MLflow's database, as whoever holds its file can."""
    with sqlite3.connect(server.settings.home / "mlflow" / "server.db") as database:
        changed = database.execute(
            "UPDATE model_version_tags SET value = ? WHERE name = ? AND version = 1 AND key = ?", (value, name, tag)
        )
        assert changed.rowcount == 1
    database.close()


@pytest.mark.parametrize("template", ["Hello {{name}}, é\r\n", CHAT])
def test_a_named_prompt_moves_through_the_gate_and_loads_pinned(server, name, template):
    made = mlflow.genai.register_prompt(name, template, response_format=FORMAT, model_config=CONFIG)
    with pytest.raises(MlflowException, match="open a promotion request"):
        mlflow.genai.set_prompt_alias(name, "champion", 1)
    with pytest.raises(UnknownReference):
        prompts.load(f"{name}@champion")

    answer = _promote(server, name)

    assert answer["tree_digest"] == prompts.digest(made)
    loaded = prompts.load(f"prompts:/{name}@champion")
    assert (loaded.template, loaded.model_config, loaded.response_format) == (template, CONFIG, FORMAT)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@champion", cache_ttl_seconds=0).template == template


def test_the_version_of_the_permit_is_loaded_and_no_later_one(server, name):
    mlflow.genai.register_prompt(name, "Hello {{name}}")
    _promote(server, name)
    mlflow.genai.register_prompt(name, "Give me {{name}}'s password")

    assert prompts.load(f"{name}@champion").format(name="Ada") == "Hello Ada"


@pytest.mark.parametrize(
    ("tag", "value", "file"),
    [
        ("mlflow.prompt.text", "Give me {{name}}'s password", "template.txt"),
        ("_mlflow_prompt_model_config", json.dumps(CONFIG | {"temperature": 1.5}), "model_config.json"),
        ("_mlflow_prompt_response_format", "{}", "response_format.json"),
    ],
)
def test_what_was_changed_behind_the_server_is_not_loaded(server, name, tag, value, file):
    mlflow.genai.register_prompt(name, "Hello {{name}}", response_format=FORMAT, model_config=CONFIG)
    _promote(server, name)
    assert prompts.load(f"{name}@champion").format(name="Ada") == "Hello Ada"

    _behind_the_server(server, name, tag, value)

    with pytest.raises(UnverifiedBytes, match=f"'{file}' differs: it is not as it was approved"):
        prompts.load(f"{name}@champion")


def test_what_mlflow_itself_cannot_read_any_more_ends_in_a_sentence(server, name):
    mlflow.genai.register_prompt(name, "Hello {{name}}")
    _promote(server, name)

    _behind_the_server(server, name, "_mlflow_prompt_type", "chat")

    with pytest.raises(Unavailable, match=f"prompts:/{name}/1"):
        prompts.load(f"{name}@champion")


def test_parts_of_a_promoted_prompt_are_held_and_of_one_that_waits_void_the_request(server, name):
    mlflow.genai.register_prompt(name, "Hello {{name}}", model_config=CONFIG)
    mlflow.genai.register_prompt(name, "Hi {{name}}", model_config=CONFIG)
    _promote(server, name)
    request_id = _ask(server, name, 2)["request_id"]

    with pytest.raises(MlflowException, match="depends on version 1 of the prompt"):
        mlflow.genai.set_prompt_model_config(name, 1, {"temperature": 1.5})
    with pytest.raises(MlflowException, match="depends on version 1 of the prompt"):
        mlflow.genai.delete_prompt_model_config(name, 1)
    mlflow.genai.set_prompt_model_config(name, 2, {"temperature": 1.5})

    with server.gate("ada") as gate:
        assert gate.request(request_id)["verdict"] == "void"
    with pytest.raises(Refused, match="the files of the version changed"):
        _say(server, request_id)
    mlflow.genai.set_prompt_version_tag(name, 1, "team", "x")


def test_whoever_changed_a_part_of_a_prompt_does_not_allow_it(server, name):
    mlflow.genai.register_prompt(name, "Hello {{name}}")
    may = {"username": "ben", "resource_type": "prompt", "resource_id": name, "permission": "MANAGE"}
    granted = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=may)
    assert granted.status_code == 200, granted.text
    tag = {"name": name, "version": "1", "key": "_mlflow_prompt_model_config", "value": "{}"}
    with server.person("ben") as http:
        assert http.post(f"{API}/model-versions/set-tag", json=tag).status_code == 200

    with pytest.raises(Refused, match="Ben"):
        _say(server, _ask(server, name)["request_id"])


def test_the_first_who_wrote_a_template_does_not_allow_it_under_another_name(server, name):
    text = f"Only Ben wrote this, {name}"
    with server.person("ben") as http:
        for path, body in (
            ("registered-models/create", {"name": f"{name}-ben", "tags": [_tag("mlflow.prompt.is_prompt", "true")]}),
            (
                "model-versions/create",
                {
                    "name": f"{name}-ben",
                    "source": "prompt-template",
                    "tags": [_tag("mlflow.prompt.is_prompt", "true"), _tag("mlflow.prompt.text", text)],
                },
            ),
        ):
            assert http.post(f"{API}/{path}", json=body).status_code == 200
    mlflow.genai.register_prompt(name, text)

    with pytest.raises(Refused, match="Ben"):
        _say(server, _ask(server, name)["request_id"])


def _tag(key, value):
    return {"key": key, "value": value}


def test_a_prompt_that_no_policy_names_notices_nothing(server):
    name = f"free-{server.new_name()}"
    mlflow.genai.register_prompt(name, "Hello {{name}}", model_config=CONFIG)
    mlflow.genai.register_prompt(name, "Hi {{name}}")

    mlflow.genai.set_prompt_alias(name, "champion", 1)
    mlflow.genai.set_prompt_model_config(name, 1, {"temperature": 1.5})
    mlflow.genai.set_prompt_alias(name, "champion", 2)
    mlflow.genai.delete_prompt_alias(name, "champion")
    mlflow.MlflowClient().delete_prompt_version(name, "1")

    with pytest.raises(UnknownReference, match="policy"):
        _ask(server, name, 2)
    with pytest.raises(UnknownReference):
        prompts.load(f"{name}@champion")


def test_the_permit_of_a_model_loads_no_prompt(server):
    made = server.make_version()
    made.promote()

    with pytest.raises(UnverifiedBytes, match="for a model, not for a prompt"):
        prompts.load(f"{made.name}@champion")


@pytest.mark.parametrize("address", ["greeting", "greeting@", "@champion", "prompts:/greeting/1", "models:/a@champion"])
def test_an_address_names_a_prompt_and_an_alias(address):
    with pytest.raises(InvalidInput, match=r"prompts:/<model>@<alias>|names no alias"):
        prompts.load(address)


def test_the_text_and_its_difference_are_shown_where_people_decide(server, name, capsys, monkeypatch):
    mlflow.genai.register_prompt(name, "Hello {{name}}\nBe kind.")
    _promote(server, name)
    mlflow.genai.register_prompt(name, "Hello {{name}}\nBe brief.\x1b[2J<script>")
    request_id = _ask(server, name, 2)["request_id"]

    with server.person("ada") as http:
        page = http.get(f"/handrail/requests/{request_id}").text
    monkeypatch.setattr(sys, "argv", ["handrail", "approvals", "show", request_id, "--user", "ada"])
    with pytest.raises(SystemExit, match="^0$"):
        main()

    shown = capsys.readouterr().out
    assert "  | Hello {{name}}" in shown
    assert "-Be kind." in shown
    assert "+Be brief.\\x1b[2J<script>" in shown
    assert "-Be kind." in page
    assert "+Be brief.\\x1b[2J&lt;script&gt;" in page
