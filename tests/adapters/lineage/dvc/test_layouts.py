"""What Handrail reads of a DVC project beside what DVC itself reads, for layouts that DVC made."""

import hashlib
import io
import os
from pathlib import Path

import pytest
from dvc.dvcfile import PROJECT_FILE
from dvc.repo import Repo
from dvc_data.hashfile.hash import fobj_md5
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import MissingFile, MissingTool
from handrail.lineage.adapters.dvc.bytes import changed_files
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.lock_files import locked_stages
from handrail.lineage.adapters.dvc.pipeline import DvcPipeline
from handrail.lineage.adapters.dvc.project_files import md5_of_bytes
from handrail.lineage.adapters.dvc.tracked import read_dvc_files
from handrail.lineage.adapters.dvc.trees import TreeInCommit, TreeOnDisk
from handrail.lineage.domain.pipeline import describe_pipeline
from tests.fakes.dvc_layouts import LAYOUTS, copy_layout, dvc, make_layout, write
from tests.fakes.dvc_repository import commit, run

# Of the .dvc file itself, which says nothing about data.
OWN_CHECKSUM = ["changed checksum"]
NEEDS_DVC = {"templates", "ignored_files"}


class Made:
    """Every layout, made once."""

    def __init__(self, folder):
        self.folder, self.projects = folder, {}

    def __getitem__(self, name):
        if name not in self.projects:
            self.projects[name] = make_layout(name, self.folder / name / "project")
        return self.projects[name]

    def copy(self, name, folder):
        return copy_layout(self[name], self.folder / name, folder / "copy")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_SITE_CACHE_DIR", str(site))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        yield Made(tmp_path_factory.mktemp("layouts"))


def place_of(project):
    return Place(project, prefix=GitCommits(project).prefix)


def in_project(project, outs):
    """Return path, hash and its name of what DVC says is in the repository of git."""
    top = Path(run(project, "git", "rev-parse", "--show-toplevel"))
    ours = [out for out in outs if out.hash_info and Path(out.fs_path).is_relative_to(top)]
    return {(os.path.relpath(out.fs_path, project), out.hash_info.value, hash_of(out)) for out in ours}


def hash_of(out):
    return "md5" if out.hash_info.name == "md5" else "md5-dos2unix"


def stages_of_dvc(project):
    """Return name, inputs and outputs of each stage of DVC's own index, by DVC's address from the project's folder."""
    with Repo(str(project)) as repo:
        stages = [stage for stage in repo.index.stages if stage.path.endswith(PROJECT_FILE)]
        return {
            (address(project, one), *(frozenset(in_project(project, part)) for part in (data_deps(one), one.outs)))
            for one in stages
        }


def data_deps(stage):
    return [dep for dep in stage.deps if dep.hash_name != "params"]


def address(project, stage):
    file = os.path.relpath(stage.path, project)
    return stage.name if file == PROJECT_FILE else f"{file}:{stage.name}"


def files(found):
    return frozenset((file.path, file.md5, file.hash_name) for file in found)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stages_are_those_that_dvc_has(made, layout):
    project = made[layout]
    git = GitCommits(project)

    on_disk = locked_stages(TreeOnDisk(project), place_of(project))
    in_commit = locked_stages(TreeInCommit(git, git.resolve("HEAD")), place_of(project))

    assert {(one.name, files(one.inputs), files(one.outputs)) for one in on_disk} == stages_of_dvc(project)
    assert in_commit == on_disk


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tracked_data_is_that_which_dvc_tracks(made, layout):
    project = made[layout]
    with Repo(str(project)) as repo:
        tracking = [stage for stage in repo.index.stages if not stage.path.endswith(PROJECT_FILE)]
        expected = {
            (os.path.relpath(one.path, project), *row) for one in tracking for row in in_project(project, one.outs)
        }

    found = [
        (one.name, *row) for one in read_dvc_files(TreeOnDisk(project), place_of(project)) for row in files(one.outputs)
    ]

    assert set(found) == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_where_dvc_sees_no_change_the_doctor_sees_none(made, layout):
    project = made[layout]
    with Repo(str(project)) as repo:
        assert repo.data_status(granular=True)["uncommitted"] == {}
        changed = {name: what for name, what in repo.status().items() if what != OWN_CHECKSUM}
        assert changed == {}

    assert changed_files(project) == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_changed_for_dvc_changed_for_the_doctor(made, layout, tmp_path):
    project = made.copy(layout, tmp_path)
    with Repo(str(project)) as repo:
        victim = Path(next(out for out in repo.index.outs if out.hash_info).fs_path)
    file = min(victim.glob("*.csv")) if victim.is_dir() else victim
    file.unlink()
    file.write_text("something else\n")

    flaws = changed_files(project)

    assert ("bytes-changed", os.path.relpath(victim, project)) in {(flaw.kind, flaw.subject) for flaw in flaws}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_bytes_at_hand_are_known_by_sha256(made, layout):
    project = made[layout]

    record = DvcPipeline("shop").read(project, GitCommits(project).resolve("HEAD"))

    assert {one.uri for one in record.artifacts().values() if not str(one.digest).startswith("sha256:")} == set()
    assert all(".." not in statement.cause for statement in describe_pipeline(record).statements)
    assert record.notes == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_dvc_a_layout_is_read_alike_or_refused_by_name(made, layout, monkeypatch):
    project = made[layout]
    head = GitCommits(project).resolve("HEAD")
    expected = DvcPipeline("shop").read(project, head)
    monkeypatch.setattr("handrail.tools.find_spec", lambda package: None)
    monkeypatch.setattr("handrail.lineage.adapters.dvc.lock_files.find_spec", lambda package: None)
    monkeypatch.setattr("handrail.lineage.adapters.dvc.settings.find_spec", lambda package: None)

    if layout in NEEDS_DVC:
        with pytest.raises(MissingTool, match="dvc"):
            DvcPipeline("shop").read(project, head)
    elif layout == "stale_lock":
        assert len(DvcPipeline("shop").read(project, head).stages) == len(expected.stages) + 1
    else:
        assert DvcPipeline("shop").read(project, head) == expected


def test_a_shallow_clone_says_that_it_is_one(made, tmp_path):
    project = made["plain"]
    run(tmp_path, "git", "clone", "-q", "--depth", "1", f"file://{project}", "clone")

    record = DvcPipeline("shop").read(tmp_path / "clone", GitCommits(project).resolve("HEAD"))

    (note,) = record.notes
    assert "shallow" in note
    assert "git fetch --unshallow" in note


def test_an_import_leads_to_the_commit_that_it_was_taken_from(made):
    project = made["imported"]
    head = GitCommits(project).resolve("HEAD")

    record = DvcPipeline("shop").read(project, head)

    causes = {(one.effect, one.cause) for one in describe_pipeline(record).statements}
    registry = project.parent / "registry"
    source = f"git+file://{registry}/clean.csv@{GitCommits(registry).resolve('HEAD')}"
    lake = project.parent / "lake" / "raw.csv"
    assert (record.artifact("taken.csv").uri, source) in causes
    assert (record.artifact("lake.csv").uri, f"file://{lake}@{hashlib.md5(lake.read_bytes()).hexdigest()}") in causes


def test_a_stage_leads_to_the_file_of_the_machine_that_it_read(made):
    project = made["outside_file"]

    facts = describe_pipeline(DvcPipeline("shop").read(project, GitCommits(project).resolve("HEAD")))

    used = {one.cause.partition("@")[0] for one in facts.statements if one.effect.startswith("dvc-stage://shop/clean@")}
    assert f"file://{project.parent}/lake/raw.csv" in used


def test_an_import_that_was_not_downloaded_is_named(made, tmp_path):
    project = made.copy("plain", tmp_path)
    write(tmp_path, {"lake/raw.csv": "a\n1\n"})
    dvc(project, "import-url", "-q", "--no-download", str(tmp_path / "lake" / "raw.csv"), "later.csv")

    record = DvcPipeline("shop").read(project, commit(project, "Import later"))

    (note,) = record.notes
    assert note.startswith("later.csv.dvc has no hash of later.csv yet")


def test_code_beside_a_project_in_a_subfolder_is_named_from_the_top(made):
    project = made["subdirectory"]

    (stage,) = DvcPipeline("shop").read(project, GitCommits(project).resolve("HEAD")).stages

    assert [(file.path, file.in_commit) for file in stage.code] == [("/shared/rules.txt", True), ("raw.csv", True)]


def test_the_top_of_a_repository_whose_project_is_in_a_subfolder_is_refused(made):
    top = made["subdirectory"].parent

    with pytest.raises(MissingFile, match=r"The DVC project is in ml"):
        DvcPipeline("shop").read(top, GitCommits(top).resolve("HEAD"))


def test_a_folder_inside_a_dvc_project_obeys_the_rules_above_it(made):
    project = made["ignored_files"] / "part"

    record = DvcPipeline("shop").read(project, GitCommits(project).resolve("HEAD"))

    (tracked,) = record.tracked
    assert (tracked.file.path, bool(tracked.file.sha256)) == ("set", True)
    assert {member.path for member in tracked.file.members} == {"set/a.csv", "set/deep/keep.log"}


def test_equal_pipelines_in_two_folders_are_two_stages(made):
    project = made["subfolders"]
    record = DvcPipeline("shop").read(project, GitCommits(project).resolve("HEAD"))

    assert [stage.name for stage in record.stages] == ["prepare/dvc.yaml:copy", "train/dvc.yaml:copy"]
    assert [file.path for file in record.stages[1].inputs] == ["prepare/clean.csv"]
    assert list(record.runs().values())[0].startswith("dvc-stage://shop/prepare/dvc.yaml:copy@")


@pytest.mark.parametrize("hash_name", ["md5", "md5-dos2unix"])
@given(
    content=st.binary(max_size=2000) | st.text("ab\r\n\x00é", max_size=700).map(str.encode),
    repeat=st.sampled_from([1, 700]),
)
@settings(max_examples=60, deadline=None)
def test_a_file_is_hashed_as_dvc_hashes_it(hash_name, content, repeat):
    whole = content * repeat

    assert md5_of_bytes(whole, hash_name) == fobj_md5(io.BytesIO(whole), name=hash_name)
