"""`handrail init` without a terminal, in a temporary folder."""

import io
import sys

import pytest

from handrail.entrypoints.cli import main
from tests.fakes.tables import as_csv


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run `handrail init project` in a temporary folder without a terminal; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def do(*arguments, folder="project"):
        monkeypatch.setattr(sys, "argv", ["handrail", "init", folder, *arguments])
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
