"""`Registry` with prompts: the same promises by the fake and by MLflow's own stores."""

import pytest

from handrail.approvals.adapters.mlflow_prompts import texts_in
from handrail.approvals.domain.prompts import prompt_texts
from handrail.approvals.domain.standing import Pointed
from handrail.errors import Refused
from tests.contracts.test_approvals_registry import Memory, Mlflow, Stores


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return Stores(tmp_path_factory.mktemp("stores"))


@pytest.fixture(params=["memory", "mlflow"])
def world(request, tmp_path):
    return Memory() if request.param == "memory" else Mlflow(request.getfixturevalue("stores"), tmp_path)


CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"}]
CONFIG, FORMAT = {"temperature": 0.2, "model_name": "small"}, {"type": "object", "required": ["answer"]}


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ({"template": "Hé {{name}}"}, ["template.txt"]),
        ({"template": CHAT}, ["messages.json"]),
        (
            {"template": "x", "model_config": CONFIG, "response_format": FORMAT},
            ["model_config.json", "response_format.json", "template.txt"],
        ),
    ],
)
def test_a_version_of_a_prompt_has_an_address_and_its_texts(world, parts, paths):
    version = world.register_prompt(**parts)

    candidate = world.registry.candidate("greeting", str(version))

    assert candidate.is_prompt
    assert candidate.tree == f"prompts:/greeting/{version}"
    assert sorted(candidate.texts) == paths
    assert candidate.texts == prompt_texts(**parts)


def test_an_alias_of_a_prompt_is_listed_as_one(world):
    version = world.register_prompt(template="x")
    world.registry.point("greeting", "champion", version)

    (row,) = [row for row in world.registry.listed_aliases() if row.model == "greeting"]

    epoch = world.registry.candidate("greeting", str(version)).epoch
    assert row == Pointed("greeting", epoch, "champion", version, prompt=True)


@pytest.mark.parametrize("source", ["prompt-template", "dummy-source"])
def test_a_prompt_made_on_mlflows_own_page_is_one_too_and_files_under_its_name_are_none(stores, tmp_path, source):
    from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag

    registry, name = Mlflow(stores, tmp_path).registry, f"made-{source}"
    stores.registry.create_registered_model(name, [RegisteredModelTag("mlflow.prompt.is_prompt", "true")])
    tags = [ModelVersionTag("mlflow.prompt.is_prompt", "true"), ModelVersionTag("mlflow.prompt.text", "Hello")]
    stores.registry.create_model_version(name, source, tags=tags)
    stores.registry.create_model_version(name, f"runs:/{stores.run.run_id}/model", stores.run.run_id)

    assert registry.candidate(name, "1").texts == {"template.txt": "Hello"}
    assert not registry.candidate(name, "2").is_prompt


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "It has no text"),
        ({"mlflow.prompt.text": "[", "_mlflow_prompt_type": "chat"}, "It cannot be read"),
        ({"mlflow.prompt.text": "[]", "_mlflow_prompt_type": "chat"}, "has no messages"),
        ({"mlflow.prompt.text": "7", "_mlflow_prompt_type": "chat"}, "neither a text nor a list"),
        ({"mlflow.prompt.text": "x", "_mlflow_prompt_model_config": "NaN"}, "It cannot be read"),
        ({"mlflow.prompt.text": "x", "_mlflow_prompt_response_format": "[" * 100_000}, "It cannot be read"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused(tags, words):
    with pytest.raises(Refused, match=words):
        texts_in(tags, "version 1 of 'greeting'")
