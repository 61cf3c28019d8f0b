"""Whether a commit holds what a lock entry names: folders in git, tracked data, parameters in each format."""

import json

import pytest

from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.adapters.dvc_stage_runs import DvcStageRuns
from handrail.reproduction.domain.recorded import CommitPlace
from tests.fakes import reproducible_project as toy


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A project in the folder `ml` of its repository, run once and changed in nothing since."""
    folder = tmp_path_factory.mktemp("fit")
    ml = folder / "ml"
    (ml / "src" / "deep").mkdir(parents=True)
    (ml / "src" / "a.py").write_text("a = 1\n")
    (ml / "src" / "deep" / "b.py").write_text("b = 1\n")
    (ml / "data.csv").write_text("x\n1\n")
    (ml / "params.yaml").write_text("rate: 0.5\ntrain: {depth: 3}\na.b: 7\n")
    (ml / "more.toml").write_text("[fit]\nsteps = [1, 2]\n")
    (ml / "broken.yaml").write_text("[")
    stage = "{cmd: echo, deps: [src, data.csv], params: [rate, train.depth, more.toml: [fit.steps]]}"
    (ml / "dvc.yaml").write_text(f"stages:\n  fit: {stage}\n")
    toy.run(folder, "git", "init", "-q")
    toy.dvc(ml, "init", "-q", "--subdir")
    toy.dvc(ml, "add", "-q", "data.csv")
    toy.dvc(ml, "repro", "-q")
    return CommitPlace(toy.commit(folder, "Begin"), str(folder), "ml/")


@pytest.fixture
def entry(repository):
    (found,) = DvcStageRuns().stages(repository)
    return found


def changed(entry, path="", md5="0" * 32, parameters=None):
    read = tuple(LockedFile(f.path, md5 if f.path == path else f.md5, f.hash_name) for f in entry.inputs)
    given = entry.parameters if parameters is None else json.dumps(parameters)
    return LockedStage(entry.name, entry.fingerprint, entry.command, given, read, entry.outputs)


def test_a_commit_fits_what_dvc_wrote_of_it(repository, entry):
    assert {file.path for file in entry.inputs} == {"src", "data.csv"}
    assert DvcStageRuns().fits(repository, entry)


@pytest.mark.parametrize(("path", "md5"), [("src", "0" * 32 + ".dir"), ("data.csv", "0" * 32)])
def test_other_code_in_a_folder_and_other_tracked_data_do_not_fit(repository, entry, path, md5):
    assert not DvcStageRuns().fits(repository, changed(entry, path, md5))


@pytest.mark.parametrize(
    ("parameters", "fits"),
    [
        ({"params.yaml": {"rate": 0.5, "train.depth": 3, "a.b": 7}}, True),
        ({"params.yaml": {"train": {"depth": 3}}}, True),
        ({"params.yaml": {"train.depth": 4}}, False),
        ({"params.yaml": {"rate.deep": 4}}, False),
        ({"more.toml": {"fit.steps": [1, 2]}}, True),
        ({"more.toml": {"fit.steps": [1]}}, False),
        ({"broken.yaml": {"a": 1}, "gone.yaml": {"a": 1}, "params.py": {"A": 1}}, True),
    ],
)
def test_parameters_are_read_as_dvc_names_them(repository, entry, parameters, fits):
    assert DvcStageRuns().fits(repository, changed(entry, parameters=parameters)) is fits
