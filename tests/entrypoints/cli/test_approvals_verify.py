"""`handrail approvals verify`: what is said about bytes as MLflow's own download brings them."""

import sys

import pytest

from handrail.entrypoints.cli import main
from handrail.settings import load_settings
from tests.fakes.permitted_tree import permit_tree, write_tree


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


def test_another_fault_is_not_laid_on_mlflow(permitted, verify):
    tree, permit = permitted
    (tree / "registered_model_meta").write_text("model_name: flights\n")
    (tree / "MLmodel").write_text("flavors: {another: {}}\n")

    code, said = verify(tree, "--permit", permit)

    assert code == 1
    assert "'MLmodel' differs from what was approved" in said
    assert "MLflow adds" not in said
