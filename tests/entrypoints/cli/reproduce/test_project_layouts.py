"""`handrail reproduce` where the pipeline is not at the top: a project and a dvc.yaml in subfolders, with `wdir`."""

import json

import yaml

from tests.fakes import reproducible_project as toy


def make_nested(folder):
    """Make the toy project in the subfolder `ml` of its repository, its pipeline in `ml/pipe`, without a remote."""
    toy.write_project(folder / "ml")
    stages = {name: {**stage, "wdir": ".."} for name, stage in toy.STAGES.items()}
    (folder / "ml" / "pipe").mkdir()
    (folder / "ml" / "pipe" / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    (folder / "ml" / "dvc.yaml").unlink()
    toy.run(folder, "git", "init", "-q", "--initial-branch", "main")
    toy.dvc(folder / "ml", "init", "-q", "--subdir")
    toy.dvc(folder / "ml", "add", "-q", "data/input.csv")
    toy.commit(folder, "Begin")
    toy.dvc(folder / "ml", "repro", "-q", "pipe/dvc.yaml")
    toy.commit(folder, "Record the run")
    return folder / "ml"


def test_a_nested_pipeline_is_reproduced_from_the_cache(tmp_path, monkeypatch, reproduce):
    project = make_nested(tmp_path / "nested")
    toy.tell_lineage(project)
    monkeypatch.chdir(project)

    code, out, err = reproduce("toys/1", "--json")

    found = json.loads(out)
    assert (code, found["verdict"], found["notes"]) == (0, "reproduced", []), err
    assert found["stages"] == [f"pipe/dvc.yaml:{name}" for name in ("clean", "train", "package")]
    assert {"data/clean", "models/package", "steps/train.py"} <= {each["path"] for each in found["compared"]}
