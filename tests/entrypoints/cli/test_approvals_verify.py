"""`handrail approvals verify`: what is said about bytes as MLflow's own download brings them."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.utils.yaml_utils import write_yaml

from handrail.approvals import UnverifiedBytes
from handrail.entrypoints.cli import main
from handrail.settings import load_settings
from tests.fakes.delivery import USE
from tests.fakes.permitted_tree import permit_tree, write_tree

META = "registered_model_meta"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def permitted(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    tree = write_tree(tmp_path / "downloaded")
    return tree, permit_tree(load_settings(), tree)


@pytest.fixture
def verify(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", "verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code or 0, capsys.readouterr().err

    return call


def test_the_permitted_tree_is_verified(permitted, verify):
    tree, _ = permitted

    assert verify(tree) == (0, "")


@pytest.mark.parametrize("names_permit", [True, False])
def test_what_mlflow_itself_downloads_is_verified(permitted, verify, names_permit):
    tree, permit = permitted
    write_yaml(tree, META, {"model_name": "flights", "model_version": "1"}, ensure_yaml_extension=False)

    assert verify(tree, *(["--permit", permit] if names_permit else [])) == (0, "")


@pytest.mark.parametrize("names_permit", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        "model_name: flights\n",
        "model_name: flights\nmodel_version: '2'\n",
        "model_name: toy\nmodel_version: '1'\n",
        "model_name: flights\nmodel_version: '1'\n ",
        "",
        "import os\n" * 100_000,
    ],
)
def test_any_other_content_of_that_file_is_refused(permitted, verify, names_permit, content):
    tree, permit = permitted
    (tree / META).write_text(content)

    code, said = verify(tree, *(["--permit", permit] if names_permit else []))

    assert code == 1
    assert f"The file '{META}' is not in the permit" in said


def test_that_file_is_refused_anywhere_but_at_the_top(permitted, verify):
    tree, permit = permitted
    write_yaml(tree / "onnx", META, {"model_name": "flights", "model_version": "1"}, ensure_yaml_extension=False)

    code, said = verify(tree, "--permit", permit)

    assert code == 1
    assert f"The file 'onnx/{META}' is not in the permit" in said


WRONG = {
    "model": {"options": ["--model", "toy"]},
    "alias": {"options": ["--alias", "shadow"]},
    "server": {"options": ["--server", "staging-1"]},
    "environment": {"options": ["--environment", "production"]},
    "expired": {"predicate": {"expires": "2026-01-02T00:00:00+00:00"}},
    "nobody": {"predicate": {"approvers": []}},
    "tree": {"tree": True},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_wrong_use_is_refused_with_a_sentence_that_says_both(permitted, verify, tmp_path, wrong):
    tree, permit = permitted
    options = WRONG[wrong].get("options", [])
    if "predicate" in WRONG[wrong]:
        permit = permit_tree(load_settings(), tree, **WRONG[wrong]["predicate"])
    if "tree" in WRONG[wrong]:
        tree = write_tree(tmp_path / "another", kind="regression")

    code, said = verify(tree, "--permit", permit, *options)

    assert code == 1
    assert said.count("\n") == 1
    assert "'flights' as 'champion' of the server 'test' in 'local'" in said
    wanted = {options[0].removeprefix("--"): options[1]} if options else {}
    assert str(replace(USE, **wanted)) in said.partition("wanted")[2]


def test_on_another_machine_the_permit_and_the_key_are_enough(permitted, verify, tmp_path, monkeypatch):
    tree, permit = permitted
    key = load_settings().permits / "gate.pub"
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "other"))

    code, said = verify(tree, "--permit", permit, "--server", "test")
    nameless, remedy = verify(tree, "--permit", permit, "--key", key)
    with_key = verify(tree, "--permit", permit, "--key", key, "--server", "test")

    assert code == 1
    assert (
        f"{tmp_path / 'other' / 'permits' / 'gate.pub'}: the gate's public key is not here. It is permits/gate.pub"
        in said
    )
    assert "--key" in said
    assert (nameless, "gate_server" in remedy) == (1, True)
    assert with_key == (0, "")


def test_an_altered_tree_without_a_permit_option_is_no_riddle_about_a_path(permitted, verify):
    tree, _ = permitted
    (tree / "MLmodel").write_text("flavors: {another: {}}\n")

    code, said = verify(tree)

    assert code == 1
    assert f"No permit in {load_settings().permits} is for {USE} and for exactly these bytes" in said
    assert "--permit" in said
    assert "No such file" not in said


def test_the_example_of_the_page_verifies_and_refuses(permitted, tmp_path, monkeypatch, capsys):
    tree, permit = permitted
    stranger = tmp_path / "stranger"
    shutil.copytree(tree, stranger / "models" / "package")
    shutil.copy(permit, stranger / "permit.json")
    for name in ("gate.pub", "revoked.dsse"):
        shutil.copy(load_settings().permits / name, stranger)
    monkeypatch.chdir(stranger)
    page = (ROOT / "plugins/handrail/approvals/PERMITS.md").read_text(encoding="utf-8")
    example = re.search(r"<!-- example: verify at load -->\n```python\n(.*?)```", page, re.DOTALL)[1]

    example = example.replace("local-0a1b2c3d", "test").replace("churn", "flights")
    exec(example, {})
    said = capsys.readouterr().out

    assert said == "flights version 1, allowed as champion\n"
    (stranger / "models" / "package" / "MLmodel").write_text("flavors: {another: {}}\n")
    with pytest.raises(UnverifiedBytes, match="'MLmodel' differs"):
        exec(example, {})
