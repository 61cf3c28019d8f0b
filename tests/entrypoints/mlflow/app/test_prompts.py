"""Prompts are registered models to MLflow; their aliases are left alone, and give no way to a model's."""

import pytest

API = "/api/2.0/mlflow"
IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
TEXT = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}


@pytest.fixture
def prompt(server):
    name = server.new_name()
    with server.person("ada") as http:
        made = http.post(f"{API}/registered-models/create", json={"name": name, "tags": [IS_PROMPT]})
        assert made.status_code == 200, made.text
        body = {"name": name, "source": "prompt-template", "tags": [IS_PROMPT, TEXT]}
        assert http.post(f"{API}/model-versions/create", json=body).status_code == 200
    return name


@pytest.mark.parametrize("alias", ["champion", "Champion"])
def test_the_alias_of_a_prompt_moves_as_without_the_gate(server, prompt, alias):
    body = {"name": prompt, "alias": alias, "version": "1"}
    with server.person("ada") as http:
        moved = http.post(f"{API}/registered-models/alias", json=body)
        assert moved.status_code == 200, moved.text
        gone = http.request("DELETE", f"{API}/registered-models/alias", json={"name": prompt, "alias": alias})
        assert gone.status_code == 200, gone.text


def test_files_under_the_name_of_a_prompt_do_not_become_champion(server, prompt):
    made = server.make_version()
    with server.person("ada") as http:
        body = {"name": prompt, "source": f"runs:/{made.run_id}/model", "run_id": made.run_id}
        version = http.post(f"{API}/model-versions/create", json=body)
        if version.status_code != 200:
            return  # MLflow itself refuses to mix them
        number = version.json()["model_version"]["version"]
        answer = http.post(
            f"{API}/registered-models/alias", json={"name": prompt, "alias": "champion", "version": number}
        )

    assert answer.status_code == 403
    assert "open a promotion request" in answer.json()["message"]


def test_a_model_with_the_word_prompt_in_its_source_is_still_a_model(server):
    name = server.new_name()
    with server.person("ada") as http:
        http.post(f"{API}/registered-models/create", json={"name": name})
        http.post(f"{API}/model-versions/create", json={"name": name, "source": "prompt-template"})
        answer = http.post(f"{API}/registered-models/alias", json={"name": name, "alias": "champion", "version": "1"})

    assert answer.status_code >= 400
