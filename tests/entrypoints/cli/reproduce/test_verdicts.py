"""`handrail reproduce`: equal, or the first input or output that differs, by name."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.version import __version__
from tests.fakes import reproducible_project as toy


def first_of(told):
    return tuple(told["first_difference"][name] for name in ("part", "path", "stage"))


def test_the_same_commit_data_and_packages_give_the_same_bytes(project, reproduce):
    code, out, err = reproduce("toys/1")

    assert (code, out.splitlines()[-1]) == (0, "reproduced: 9 inputs and outputs, every byte is equal")
    titles = ["model", "checkout", "data", "environment", "clean", "train", "package", "predictions"]
    assert [line.split()[0] for line in out.splitlines()[:-1]] == titles
    assert "4 rows of data/clean/rows.parquet: max difference 0, labels differ 0" in out
    assert "running train" in err
    assert not list((project / ".handrail" / "reproduce").iterdir()), "the folder is gone when all is equal"
    assert toy.run(project, "git", "status", "--porcelain") == ""


def test_a_report_says_for_a_gate_what_was_compared(project, reproduce):
    file = project / "reports" / "reproduction.json"

    code, _, err = reproduce("toys/1", "--report", str(file))

    report = json.loads(file.read_text())
    assert code == 0, err
    assert (report["equal"], report["unequal"], report["verdict"]) == (10, 0, "reproduced")
    assert report["tree_digest"] == tree_digest(project / "models" / "package")
    assert report["commit"] == toy.run(project, "git", "rev-parse", "HEAD").strip()
    assert report["versions"]["handrail"] == __version__


def test_nothing_is_reported_of_a_model_that_is_not_made_again(project, reproduce):
    file = project / "reproduction.json"

    for also, words in (("--until=clean", "the run ends before 'package'"), ("--dry-run", "nothing runs")):
        code, _, err = reproduce("toys/1", "--report", str(file), also)
        assert (code, words in err, file.exists()) == (1, True, False), err


def test_lineage_keeps_the_verdict_beside_the_model(project, reproduce):
    told = json.loads(reproduce("toys/1", "--until", "clean", "--json")[1])

    platform = open_platform()
    causes = {node.uri: node for node in platform.lineage.trace(told["recorded_as"]).nodes}
    platform.close()
    kept = causes[told["recorded_as"]]
    assert (kept.kind, kept.attributes["verdict"]) == ("reproduction", "reproduced")
    assert toy.VERSION.uri in causes


def test_changed_bytes_in_the_remote_are_named_before_anything_runs(project, reproduce):
    for place in (project.parent / "remote", project / ".dvc" / "cache"):
        file = toy.object_of(project, "data/input.csv", place)
        file.chmod(0o644)
        file.write_text("x,y\n1,2\n")
        file.chmod(0o444)  # a writable one is hashed, and thrown away, by DVC itself

    code, out, err = reproduce("toys/1")

    assert code == 1
    assert out.splitlines()[-1] == (
        "differs: first input data data/input.csv of clean: what was pulled has other bytes than were recorded"
    )
    assert "running" not in err


def test_a_stage_that_is_not_deterministic_is_named(project, reproduce):
    toy.write_training(project, toy.RANDOM_SLOPE)
    toy.run_and_record(project)
    toy.tell_lineage_of_next(project)

    code, out, _ = reproduce("toys/2", "--json")

    told = json.loads(out)
    assert (code, told["verdict"]) == (1, "differs")
    assert first_of(told) == ("data", "models/trained", "train")
    assert told["first_difference"]["detail"].startswith("weights.json: slope differs by ")
    assert "Its inputs are equal" in told["sentence"]
    assert "train is not deterministic" in told["sentence"]
    assert told["predictions"]["max_difference"] > 0
    assert Path(told["folder"]).is_dir(), "it stays, so that one can look"


def test_other_bytes_with_the_same_answers_are_equal_in_effect(project, reproduce):
    toy.write_training(project, toy.RANDOM_NOTE)
    toy.run_and_record(project)
    toy.tell_lineage_of_next(project)

    code, out, _ = reproduce("toys/2", "--json")

    told = json.loads(out)
    assert (code, told["verdict"]) == (0, "equal in effect")
    assert first_of(told) == ("data", "models/trained", "train")
    grades = {each["path"]: each["grade"] for each in told["compared"]}
    assert (grades["reports/train.json"], grades["models/package"]) == ("within tolerance", "differs")
    assert told["predictions"]["max_difference"] == 0


def test_another_package_version_is_named(project, reproduce):
    (project / "requirements.lock").write_text("PyYAML==0.1 \\\n    --hash=sha256:00\nno-such-package==2.0\n")
    toy.commit(project, "Pin")
    entry = project / "params.yaml"
    entry.write_text("shrink: 0.8\n")
    toy.run_and_record(project)
    toy.tell_lineage_of_next(project)

    code, out, _ = reproduce("toys/2", "--until", "train", "--json")

    told = json.loads(out)
    assert code == 0, "other packages alone decide nothing"
    named = {each["name"]: (each["recorded"], bool(each["installed"])) for each in told["environment"]["differences"]}
    assert named == {"pyyaml": ("0.1", True), "no-such-package": ("2.0", False)}


def test_code_that_was_not_committed_is_named(project, reproduce):
    toy.write_training(project, 'note = "not committed"; slope *= 2')
    toy.dvc(project, "repro", "-q")
    toy.commit(project, "Record without the code", "dvc.lock", "reports/train.json")
    toy.tell_lineage_of_next(project)

    code, out, err = reproduce("toys/2")

    assert code == 1
    assert "differs: first code steps/train.py of train: it was trained with changes that are not in the commit" in out
    assert "running" not in err


def test_an_alias_names_the_version(project, reproduce):
    platform = open_platform()
    platform.lineage.point("mlflow alias toys@champion", toy.VERSION, datetime(2026, 1, 1, tzinfo=UTC), "actor://t/ann")
    platform.close()

    for name in ("toys@champion", "models:/toys@champion", "models:/toys/1", toy.VERSION.uri):
        code, out, _ = reproduce(name, "--dry-run", "--json")
        assert (code, json.loads(out)["model"]) == (0, toy.VERSION.uri)


def test_a_tracked_file_in_a_folder_that_git_ignores_is_pulled_and_compared(project, reproduce):
    (project / "extra").mkdir()
    (project / "extra" / "labels.csv").write_text("1")
    with (project / ".gitignore").open("a") as file:
        file.write("/extra/*\n!/extra/*.dvc\n")
    toy.dvc(project, "add", "-q", "extra/labels.csv")
    (project / "params.yaml").write_text("shrink: 0.8\n")
    toy.run_and_record(project)
    toy.tell_lineage_of_next(project)

    code, out, _ = reproduce("toys/2", "--until", "clean", "--json")

    assert code == 0
    assert {"part": "input data", "path": "extra/labels.csv", "grade": "equal"}.items() <= json.loads(out)["compared"][
        0
    ].items()


def test_given_rows_are_scored_and_lineage_may_be_left_alone(project, reproduce, tmp_path):
    pq.write_table(pa.table({"x": [1.0, 2.0]}), tmp_path / "mine.parquet")

    code, out, _ = reproduce("toys/1", "--rows", str(tmp_path / "mine.parquet"), "--no-record", "--json")

    told = json.loads(out)
    assert (code, told["predictions"]["rows"], told["predictions"]["source"]) == (0, 2, str(tmp_path / "mine.parquet"))
    assert "recorded_as" not in told


def test_a_report_that_was_committed_otherwise_is_compared_by_its_digest(project, reproduce):
    (project / "params.yaml").write_text("shrink: 0.8\n")
    toy.dvc(project, "repro", "-q")
    toy.dvc(project, "push", "-q")
    (project / "reports" / "train.json").write_text("{}")
    toy.commit(project, "Lose the report")
    toy.tell_lineage_of_next(project)
    shutil.rmtree(project / ".dvc" / "cache")  # which DVC keeps a copy of the report in

    code, out, _ = reproduce("toys/2", "--until", "train", "--json")

    told = json.loads(out)
    assert (code, told["verdict"]) == (0, "reproduced")
    assert told["notes"] == ["reports/train.json: its recorded bytes were not found; compared by digest alone"]
