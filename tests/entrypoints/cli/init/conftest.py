"""`handrail init` without a terminal, in a temporary folder."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from handrail.entrypoints.cli import main
from tests.fakes.newer_orders import FIRST, all_orders, rows_of
from tests.fakes.tables import as_csv, write_csv

HANDRAIL = Path(sys.executable).with_name("handrail")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run `handrail init project` in a temporary folder without a terminal; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def do(*arguments, folder="project"):
        monkeypatch.setattr(sys, "argv", ["handrail", "init", *([folder] if folder else []), *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return stopped.value.code, printed.out, printed.err

    return do


@pytest.fixture
def refused(run, tmp_path):
    """Run it on a table that cannot be used; return the sentence after checking that nothing was written."""

    def do(content, *arguments, label="returned"):
        columns = content if isinstance(content, dict) else None
        text = as_csv(columns) if columns is not None else content
        (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        code, out, err = run("--table", "t.csv", "--label", label, *arguments)
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert err.endswith(".\n")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]
        return err

    return do


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make projects to copy: of a binary and of a multiclass label, and one without a subject."""
    place = tmp_path_factory.mktemp("made")
    write_csv(place / "shop.csv", rows_of(all_orders(), 0, FIRST))
    for name, flags in {
        "binary": ("--label", "returned"),
        "classes": ("--label", "colour"),
        "numbered": ("--label", "returned", "--subject", "none", "--leave-out", "order id"),
    }.items():
        subprocess.run(
            [HANDRAIL, "init", name, "--table", "shop.csv", "--time", "ordered", *flags],
            cwd=place, stdin=subprocess.DEVNULL, capture_output=True, check=True,
        )  # fmt: skip
    return place


@pytest.fixture
def project(made, tmp_path):
    def copy(name="binary"):
        return Path(shutil.copytree(made / name, tmp_path / "project", symlinks=True))

    return copy


@pytest.fixture
def take(run, tmp_path):
    """Give the project in the temporary folder a newer file; return exit code, stdout and stderr."""

    def do(columns, *arguments):
        write_csv(tmp_path / "next.csv", columns)
        return run("--table", "next.csv", "--into", "project", *arguments, folder=None)

    return do
