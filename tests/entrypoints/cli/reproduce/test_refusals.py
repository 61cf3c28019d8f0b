"""What `handrail reproduce` says when something is missing, in the way, or interrupted."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import reproducible_project as toy

DEADLINE_S = 300


def test_a_dry_run_reports_what_is_missing_and_changes_nothing(project, reproduce):
    code, out, _ = reproduce("toys/1", "--dry-run")
    assert code == 0
    assert "clean, train, package" in out
    assert "all at hand" in out

    shutil.rmtree(project.parent / "remote")
    shutil.rmtree(project / ".dvc" / "cache")
    code, out, _ = reproduce("toys/1", "--dry-run")
    assert code == 1
    assert "missing, first data/input.csv" in out
    assert not (project / ".handrail" / "reproduce").exists()


def test_data_that_is_nowhere_is_one_sentence(project, reproduce):
    for place in (project.parent / "remote", project / ".dvc" / "cache"):
        toy.object_of(project, "data/input.csv", place).unlink()

    code, _, err = reproduce("toys/1")

    assert code == 1
    assert "data/input.csv: neither the remote nor a cache holds its bytes" in err
    assert "dvc push" in err


def test_the_cache_of_the_project_replaces_a_lost_remote(project, reproduce):
    shutil.rmtree(project.parent / "remote")

    assert reproduce("toys/1", "--until", "clean")[0] == 0


def test_a_commit_that_no_repository_holds_is_named(project, reproduce):
    commit = toy.run(project, "git", "rev-parse", "HEAD")
    shutil.rmtree(project / ".git")
    toy.run(project, "git", "init", "-q")

    code, _, err = reproduce("toys/1")

    assert code == 1
    assert commit in err
    assert "--repository" in err


def test_another_repository_may_hold_the_commit(project, reproduce, made):
    shutil.rmtree(project / ".git")
    toy.run(project, "git", "init", "-q")

    assert reproduce("toys/1", "--repository", str(made), "--until", "clean")[0] == 0
    assert reproduce("toys/1", "--repository", made.as_uri(), "--dry-run")[0] == 0


@pytest.mark.parametrize("name", ["toys/9", "toys@nobody", "mlflow://test-5e1f/registered/toys/17/9", "nonsense"])
def test_an_unknown_model_is_one_sentence(reproduce, name):
    code, out, err = reproduce(name)

    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("options", [("--until", "nothing"), ("--rows", "none.parquet"), ("--lock", "none.lock")])
def test_an_option_that_names_nothing_is_one_sentence(reproduce, options):
    code, _, err = reproduce("toys/1", *options)

    assert code == 1
    assert options[1] in err


def test_a_folder_that_holds_something_else_is_left_alone(project, reproduce, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")

    code, _, err = reproduce("toys/1", "--into", str(mine))

    assert code == 1
    assert "It is not empty" in err
    assert [file.name for file in mine.iterdir()] == ["notes.txt"]


def test_a_finished_reproduction_that_was_kept_is_not_written_over(project, reproduce):
    assert reproduce("toys/1", "--until", "clean", "--into", "kept")[0] == 0

    code, _, err = reproduce("toys/1", "--until", "clean", "--into", "kept")

    assert code == 1
    assert "is finished" in err


def test_a_stage_that_fails_says_why_and_the_next_run_goes_on(project, reproduce, monkeypatch):
    monkeypatch.setenv("TOY_FAILS", "yes")
    code, _, err = reproduce("toys/1", "--until", "train")
    assert (code, "The stage 'train': it failed: There is no luck. Correct that; run it again." in err) == (1, True)

    monkeypatch.delenv("TOY_FAILS")
    code, out, err = reproduce("toys/1", "--until", "train")

    assert (code, out.splitlines()[-1].startswith("reproduced")) == (0, True)
    assert "running clean" not in err


def test_an_interrupted_reproduction_goes_on(project, reproduce, tmp_path):
    command = [Path(sys.executable).with_name("handrail"), "reproduce", "toys/1", "--keep"]
    waiting = toy.environment(project) | {"TOY_WAITS_FOR": str(tmp_path / "never")}
    # A process that a background job starts would not hear the interrupt; one that does not end must not be waited for.
    listens = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command,
        cwd=project,
        env=waiting,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listens,
        start_new_session=True,
    ) as process:
        watchdog = threading.Timer(DEADLINE_S, os.killpg, (process.pid, signal.SIGKILL))
        watchdog.start()
        for line in process.stderr:
            if "> python steps/train.py" in line:
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(60) == 1, said
        watchdog.cancel()
    assert "Interrupted" in said

    code, out, err = reproduce("toys/1", "--keep")

    assert (code, "reproduced" in out) == (0, True)
    assert "running clean" not in err
    assert "running train" in err
