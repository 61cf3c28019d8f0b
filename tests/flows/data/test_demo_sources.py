"""The flights by every kind of source, with faults: the same bytes as from the publisher's files."""

import pytest

from flows.steps.data.demo_sources import __main__ as sources


@pytest.fixture(autouse=True)
def _own_project(monkeypatch):
    for name in ("HANDRAIL_PROJECT", "HANDRAIL_HOME", "HANDRAIL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_every_digest_is_that_of_the_files(capsys):
    assert sources.main(["--short"]) == 0

    said = capsys.readouterr().out
    assert "every digest is equal" in said
    late = [line for line in said.splitlines() if line.startswith("flights") and "late" in line]
    assert int(late[0].split("late")[1].split()[0].replace(",", "")) > 0, "what was committed late is found"


def test_a_row_that_was_lost_is_named(capsys):
    assert sources.compare({"planes.csv": {"rows": 2}}, {"planes.csv": {"rows": 1}}) == 1

    assert "planes.csv" in capsys.readouterr().out
