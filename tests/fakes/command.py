"""The `handrail` command in this process."""

from __future__ import annotations

import sys

import pytest

from handrail.entrypoints.cli import main


def handrail_command(monkeypatch, capsys, *always):
    """Return what calls `handrail` with these words first, and returns its exit code, results and messages."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", *always, *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return stopped.value.code or 0, printed.out, printed.err

    return call
