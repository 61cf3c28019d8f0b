"""`handrail lineage collect dvc` in a repository that has nothing but DVC."""

import json

import pytest

from handrail.bootstrap import open_platform
from tests.fakes.command import handrail_command
from tests.fakes.dvc_repository import DVC, add, commit, make_repository, run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tracked data, and a stage that was run over it."""
    folder = make_repository(tmp_path_factory.mktemp("collect") / "shop")
    add(folder, "orders.csv", "one")
    stage = ("stage", "add", "-q", "-n", "clean", "-d", "orders.csv", "-o", "clean.csv", "cp orders.csv clean.csv")
    run(folder, *DVC, *stage)
    run(folder, *DVC, "repro", "-q")
    return folder, commit(folder, "Run the pipeline")


@pytest.fixture
def handrail(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    monkeypatch.chdir(made[0])
    return handrail_command(monkeypatch, capsys, "lineage")


def test_stages_and_tracked_data_are_recorded_and_trace_to_the_commit(handrail, made):
    code, out, _ = handrail("collect", "dvc", "--json")
    traced = json.loads(handrail("trace", "clean.csv", "--json")[1])

    counted = {"stages": 1, "tracked": 1, "files": 2, "hashed": 2}
    assert (code, json.loads(out)) == (0, {"commit": made[1], **counted, "notes": []})
    assert {edge["cause"]: edge["proven"] for edge in traced["edges"]}[f"git://shop/{made[1]}"]


def test_collecting_again_changes_nothing(handrail):
    handrail("collect", "dvc")
    with open_platform().store.read() as connection:
        before = connection.exec_driver_sql("select count(*) from lineage_statement").scalar()

    code, out, _ = handrail("collect", "dvc", "--commit", "HEAD")

    assert code == 0
    assert out.startswith("Recorded commit ")
    assert ": stages 1, tracked files 1, " in out
    with open_platform().store.read() as connection:
        assert connection.exec_driver_sql("select count(*) from lineage_statement").scalar() == before


@pytest.mark.parametrize("revision", ["no-such-tag", "--output=x", ""])
def test_a_revision_that_git_does_not_know_is_one_sentence(handrail, revision):
    code, _, err = handrail("collect", "dvc", f"--commit={revision}")

    assert (code, err.count("\n")) == (1, 1)
    assert "no commit named" in err


def test_a_folder_without_git_is_one_sentence(handrail, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    code, _, err = handrail("collect", "dvc")

    assert code == 1
    assert "lineage needs a commit to name" in err
