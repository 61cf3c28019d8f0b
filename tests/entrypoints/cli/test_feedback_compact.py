"""`handrail feedback compact`, as a user types it."""

import json

import pytest
from typer.testing import CliRunner

from handrail.entrypoints.cli import build
from handrail.errors import Unavailable
from tests.entrypoints.cli.test_feedback import OUTCOME, PREDICTION, project, run

__all__ = ["project"]


def test_new_rows_become_parquet_and_a_second_run_has_nothing_to_do(project):
    run("import", "-", text=json.dumps(PREDICTION) + "\n" + json.dumps(OUTCOME))

    shown = run("compact").stdout
    again = json.loads(run("compact", "--json").stdout)

    assert "1 predictions and 1 events were new; 2 files written in" in shown
    folder = project / "home" / "feedback"
    assert again == {"predictions": 0, "events": 0, "files": 0, "again": 0, "folder": str(folder)}
    assert sorted(str(file.parent.relative_to(folder)) for file in folder.rglob("*.parquet")) == [
        "events/day=2013-08-01/deployment_id=1",
        "predictions/day=2013-08-01/deployment_id=1",
    ]


def test_where_nothing_is_recorded_nothing_is_compacted(project):
    with pytest.raises(Unavailable, match="Nothing is recorded here"):
        run("compact")


def test_the_check_names_a_file_that_is_missing_and_the_next_compaction_mends_it(project):
    run("import", "-", text=json.dumps(PREDICTION) + "\n" + json.dumps(OUTCOME))
    run("compact")
    (file,) = (project / "home" / "feedback" / "predictions").rglob("*.parquet")

    def flaws():
        shown = CliRunner().invoke(build(), ["lineage", "check", "--json"]).stdout
        return [each for each in json.loads(shown)["flaws"] if each["kind"] == "damaged-part"]

    whole = flaws()
    file.unlink()
    missing = flaws()

    assert (whole, len(missing)) == ([], 1)
    assert missing[0]["subject"] == str(file.relative_to(project / "home" / "feedback"))
    assert "cannot be read: No such file" in missing[0]["detail"]
    assert "1 of them were missing or damaged before" in run("compact").stderr
    assert flaws() == []
