"""Newer rows arrive whole or not at all: kills, a full disk, and what is misuse."""

import hashlib
import signal
import subprocess
import sys

import polars as pl
import pytest
import yaml

from tests.fakes.newer_orders import ALL, SOURCE, digests, newer
from tests.fakes.tables import shop, write_csv

KILLED = {
    "before the table has its name": "pathlib.Path.replace = die",
    "before DVC records it": "import handrail.scaffold.adding as adding; adding.dvc = die",
}


@pytest.mark.parametrize("moment", KILLED)
def test_a_kill_leaves_the_old_table_or_the_new_and_a_repetition_completes_it(project, take, tmp_path, moment):
    folder = project()
    old = (folder / SOURCE).read_bytes()
    write_csv(tmp_path / "next.csv", newer())
    script = (
        "import os, pathlib, sys; die = lambda *_: os.kill(os.getpid(), 9)\n"
        f"{KILLED[moment]}\nfrom handrail.entrypoints.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "init", "--table", "next.csv", "--into", "project"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip

    assert done.returncode == -signal.SIGKILL
    is_old = (folder / SOURCE).read_bytes() == old
    assert is_old == ("name" in moment)
    assert is_old or pl.read_parquet(folder / SOURCE).height == ALL

    assert "It has 800 now." in take(newer())[1]
    recorded = yaml.safe_load((folder / f"{SOURCE}.dvc").read_text())["outs"][0]
    assert recorded["md5"] == hashlib.md5((folder / SOURCE).read_bytes()).hexdigest()


def test_a_full_disk_is_one_sentence_and_changes_no_byte(project, tmp_path):
    folder = project()
    before = digests(folder)
    write_csv(tmp_path / "next.csv", newer())
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        # Python would leave compiled modules of 1,000 bytes, which nobody can import any more.
        "sys.dont_write_bytecode = True;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from handrail.entrypoints.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "init", "--table", "next.csv", "--into", "project"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 1
    assert "cannot be written: file too large." in done.stderr
    assert done.stderr.count("\n") == 1
    assert digests(folder) == before


def test_a_project_without_a_time_takes_no_rows(run, tmp_path):
    write_csv(tmp_path / "next.csv", shop())
    run("--table", "next.csv", "--label", "returned", "--time", "none")

    code, _, err = run("--table", "next.csv", "--into", "project", folder=None)

    assert code == 1
    assert "Its table has no time" in err


@pytest.mark.parametrize("others", [("--label", "x"), ("--update",), ("elsewhere",)])
def test_other_flags_are_misuse(run, others):
    code, out, err = run("--table", "next.csv", "--into", "project", *others, folder=None)

    assert (code, out) == (2, "")
    assert "it goes without" in " ".join(err.split())


def test_a_folder_that_is_no_project_is_named(run, tmp_path):
    (tmp_path / "project").mkdir()

    code, _, err = run("--table", "next.csv", "--into", "project", folder=None)

    assert code == 1
    assert "init.json" in err
