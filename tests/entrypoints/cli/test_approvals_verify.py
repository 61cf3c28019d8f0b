"""`handrail approvals verify`: what is said about bytes as MLflow's own download brings them."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from handrail.approvals import UnverifiedBytes
from handrail.entrypoints.cli import main
from handrail.settings import load_settings
from tests.fakes.permitted_tree import permit_tree, write_tree

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
def test_the_file_that_mlflow_adds_is_named_with_what_to_do(permitted, verify, names_permit):
    tree, permit = permitted
    (tree / "registered_model_meta").write_text("model_name: flights\n")

    code, said = verify(tree, *(["--permit", permit] if names_permit else []))

    assert code == 1
    assert "MLflow adds registered_model_meta" in said
    assert f"remove {tree / 'registered_model_meta'}" in said
    (tree / "registered_model_meta").unlink()
    assert verify(tree) == (0, "")


def test_on_another_machine_the_permit_and_the_key_are_enough(permitted, verify, tmp_path, monkeypatch):
    tree, permit = permitted
    key = load_settings().permits / "gate.pub"
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "other"))

    code, said = verify(tree, "--permit", permit)
    with_key = verify(tree, "--permit", permit, "--key", key)

    assert code == 1
    assert (
        f"{tmp_path / 'other' / 'permits' / 'gate.pub'}: the gate's public key is not here. It is permits/gate.pub"
        in said
    )
    assert "--key" in said
    assert with_key == (0, "")


def test_an_altered_tree_without_a_permit_option_is_no_riddle_about_a_path(permitted, verify):
    tree, _ = permitted
    (tree / "MLmodel").write_text("flavors: {another: {}}\n")

    code, said = verify(tree)

    assert code == 1
    assert f"No permit in {load_settings().permits} is for exactly these bytes" in said
    assert "--permit" in said
    assert "No such file" not in said


def test_the_example_of_the_page_verifies_and_refuses(permitted, tmp_path, monkeypatch, capsys):
    tree, permit = permitted
    stranger = tmp_path / "stranger"
    shutil.copytree(tree, stranger / "models" / "package")
    shutil.copy(permit, stranger / "permit.json")
    shutil.copy(load_settings().permits / "gate.pub", stranger)
    monkeypatch.chdir(stranger)
    page = (ROOT / "plugins/handrail/approvals/README.md").read_text(encoding="utf-8")
    example = re.search(r"<!-- example: verify at load -->\n```python\n(.*?)```", page, re.DOTALL)[1]

    exec(example, {})
    said = capsys.readouterr().out

    assert said == "flights version 1, allowed as champion\n"
    (stranger / "models" / "package" / "MLmodel").write_text("flavors: {another: {}}\n")
    with pytest.raises(UnverifiedBytes, match="'MLmodel' differs"):
        exec(example, {})


def test_another_fault_is_not_laid_on_mlflow(permitted, verify):
    tree, permit = permitted
    (tree / "registered_model_meta").write_text("model_name: flights\n")
    (tree / "MLmodel").write_text("flavors: {another: {}}\n")

    code, said = verify(tree, "--permit", permit)

    assert code == 1
    assert "'MLmodel' differs from what was approved" in said
    assert "MLflow adds" not in said
