from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.steps.__main__ import main
from tests.fakes.flights_project import ROOT, write_project

STAGE = """
import sys
from flows.steps.__main__ import main

sys.exit(main(sys.argv[1:]))
"""
# What the interpreter reports of itself is the one moment between two outputs that a test can hold on to. A process
# that a background job starts would ignore the interrupt.
INTERRUPTED_AFTER_THE_FEATURES = f"""
import signal, sys
replaced = []

def interrupt(event, arguments):
    if replaced:
        replaced.clear()
        signal.raise_signal(signal.SIGINT)
    elif event == "os.rename" and str(arguments[1]).endswith("/data/features"):
        replaced.append(event)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(interrupt)
{STAGE}"""


@pytest.mark.parametrize("arguments", [[], ["fly"], ["acquire", "validate"]])
def test_misuse_lists_the_stages_and_exits_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: python -m flows.steps {acquire,validate,features,train,evaluate,package}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "changes", "sentence"),
    [
        ("acquire", {"as_of": "soon"}, "acquire: params.yaml, line 1: 'as_of' is 'soon', expected an ISO 8601 moment"),
        ("validate", {}, "validate: data/raw/manifest.json: it is missing"),
        ("features", {}, "features: data/validated/flights.parquet: it is missing"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_one(
    tmp_path: Path, stage: str, changes: dict[str, str], sentence: str
) -> None:
    project = write_project(tmp_path / "project", **changes)

    done = _run(project, stage)

    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (project / "data").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    (project / "data").write_text("in the way", encoding="ascii")

    done = _run(project, "acquire")

    assert done.returncode == 1
    assert f"acquire: {project / 'data'}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("stage", "limit", "file"),
    [
        ("acquire", 50_000, "data/raw/flights/2013-01.csv"),
        ("validate", 40_000, "data/validated/flights.parquet"),
        ("features", 50_000, "data/features/carrier_ops.parquet"),
    ],
)
def test_a_full_disk_is_one_sentence_and_the_former_outputs_stay(
    project: Path, stage: str, limit: int, file: str
) -> None:
    """A limit on the size of files acts like a full disk: the system refuses the write in the same way."""
    before = (project / file).read_bytes()
    in_limit = (
        f"import resource as r, sys; sys.dont_write_bytecode = True; r.setrlimit(r.RLIMIT_FSIZE, ({limit}, {limit}));"
    )

    done = _run(project, stage, in_limit + STAGE)

    assert done.returncode == 1
    assert done.stderr.startswith(f"{stage}: {project / file}: it cannot be written: file too large. Free the disk")
    assert len(done.stderr.splitlines()) == 1
    assert (project / file).read_bytes() == before


def test_ctrl_c_keeps_what_was_done_and_the_next_run_goes_on(project: Path) -> None:
    training = project / "data" / "training"
    before = {file.name: file.read_bytes() for file in training.iterdir()}
    made = (project / "data" / "features").stat().st_ino

    done = _run(project, "features", INTERRUPTED_AFTER_THE_FEATURES)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("features: interrupted; nothing half-done was kept.")
    assert "Traceback" not in done.stderr
    assert (project / "data" / "features").stat().st_ino != made
    assert {file.name: file.read_bytes() for file in training.iterdir()} == before
    assert _run(project, "features").returncode == 0


def _environment(project: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(ROOT), "HANDRAIL_HOME": str(project / ".handrail"), "HANDRAIL_PROJECT": str(project)}
    return os.environ | own


def _run(project: Path, stage: str, code: str = STAGE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, stage],
        cwd=project,
        env=_environment(project),
        capture_output=True,
        text=True,
        check=False,
    )
