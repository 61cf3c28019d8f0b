"""The promises of `StageRunner`, kept by DVC and by the fake."""

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from handrail.errors import InvalidInput, Unavailable
from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.adapters.dvc_stage_runs import DvcStageRuns
from handrail.reproduction.domain.recorded import CommitPlace
from tests.fakes.reproducible_project import commit, run
from tests.fakes.reproduction import LOCK, FakeRunner, lock_of, md5_of

COPY = "import pathlib; pathlib.Path('out.txt').write_bytes(pathlib.Path('in.txt').read_bytes())"
FAIL = "raise SystemExit('no luck')"
STAGES = {
    "copy": {"cmd": "python steps/copy.py", "deps": ["in.txt"], "outs": ["out.txt"]},
    "fail": {"cmd": "python steps/fail.py", "outs": ["never.txt"]},
}


def memory(project):
    def copy(folder):
        (folder / "out.txt").write_bytes((folder / "in.txt").read_bytes())

    def fail(folder):
        raise RuntimeError("no luck")

    ins, outs = (LockedFile("in.txt", ""),), (LockedFile("out.txt", ""),)
    stages = [
        LockedStage("copy", "", "python steps/copy.py", "{}", ins, outs),
        LockedStage("fail", "", "x", "{}", (), ()),
    ]
    (project / LOCK).write_bytes(lock_of(stages))
    return FakeRunner({"copy": copy, "fail": fail})


def dvc(project):
    (project / ".dvc").mkdir()
    (project / "steps").mkdir()
    (project / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    (project / "steps" / "copy.py").write_text(COPY)
    (project / "steps" / "fail.py").write_text(FAIL)
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    return DvcStageRuns()


@pytest.fixture
def project(tmp_path):
    (tmp_path / "in.txt").write_bytes(b"one")
    return tmp_path


@pytest.fixture(params=[memory, dvc])
def runner(request, project):
    return request.param(project)


def environment(project):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / "site")}


def test_a_stage_runs_whatever_is_cached_and_its_new_entry_is_kept(runner, project):
    lines: list[str] = []
    first = runner.run(project, "copy", environment(project), lines.append)
    (project / "out.txt").unlink()

    again = runner.run(project, "copy", environment(project), lines.append)

    assert first == again == runner.entry(project, "copy")
    assert first.outputs == (LockedFile("out.txt", md5_of({"": b"one"})),)
    assert (project / "out.txt").read_bytes() == b"one"
    assert any("copy" in line for line in lines)


def test_a_stage_that_fails_is_one_sentence_of_its_own(runner, project):
    with pytest.raises(Unavailable, match="'fail': it failed: no luck"):
        runner.run(project, "fail", environment(project), lambda line: None)


def test_a_stage_that_is_not_there_is_one_sentence(runner, project):
    with pytest.raises(Unavailable, match="'nothing'"):
        runner.run(project, "nothing", environment(project), lambda line: None)
    assert runner.entry(project, "nothing") is None


def committed(runner, project, lock):
    """Put a lock file into a commit; return where that is."""
    if isinstance(runner, FakeRunner):
        runner.commits.commits["c0" * 20] = {LOCK: lock} if lock is not None else {}
        return CommitPlace("c0" * 20, "memory")
    (project / LOCK).unlink(missing_ok=True)
    if lock is not None:
        (project / LOCK).write_bytes(lock)
    run(project, "git", "init", "-q")
    return CommitPlace(commit(project, "Record"), str(project))


def test_the_stages_of_a_commit_are_those_of_its_lock(runner, project):
    ran = runner.run(project, "copy", environment(project), lambda line: None)

    place = committed(runner, project, (project / LOCK).read_bytes())

    assert ran in runner.stages(place)


def test_a_commit_without_a_lock_has_no_stages(runner, project):
    assert runner.stages(committed(runner, project, None)) == ()


@pytest.mark.parametrize("lock", [b"{", b"[1]", b"\xff"])
def test_what_is_not_a_lock_file_is_refused(runner, project, lock):
    place = committed(runner, project, lock)

    with pytest.raises(InvalidInput):
        runner.stages(place)


HELD = {"in.txt": b"one\n", "params.json": b'{"rate": 0.5, "deep": {"er": [1, 2]}}'}


def hash_of(content):
    return md5_of({"": content})


@pytest.mark.parametrize(
    ("reads", "parameters", "fits"),
    [
        ({"in.txt": hash_of(HELD["in.txt"])}, {"rate": 0.5}, True),
        ({"in.txt": hash_of(b"two\n")}, {"rate": 0.5}, False),
        ({"in.txt": hash_of(HELD["in.txt"])}, {"rate": 0.7}, False),
        ({"made/elsewhere.txt": hash_of(b"two\n")}, {}, True),
        ({}, {"gone": 1}, False),
    ],
)
def test_a_commit_fits_an_entry_if_it_has_no_other_code_and_parameters(runner, project, reads, parameters, fits):
    stage = LockedStage(
        "copy",
        "",
        '""',
        json.dumps({"params.json": parameters, "params.py": {"x": 1}}),
        tuple(LockedFile(path, md5) for path, md5 in reads.items()),
        (),
    )
    if isinstance(runner, FakeRunner):
        runner.commits.commits["c0" * 20] = HELD
        place = CommitPlace("c0" * 20, "memory")
    else:
        for path, content in HELD.items():
            (project / path).write_bytes(content)
        run(project, "git", "init", "-q")
        place = CommitPlace(commit(project, "Begin"), str(project))

    assert runner.fits(place, stage) is fits
