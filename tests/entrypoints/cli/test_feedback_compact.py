"""`handrail feedback compact`, as a user types it."""

import json

import pytest

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
