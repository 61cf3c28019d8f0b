"""What was recorded follows from the events on every database, whoever sent it; a row that is gone is found too."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.adapters.sql.recount import differences
from handrail.lineage.adapters.sql.side_rows import altered_rows
from handrail.lineage.adapters.sql.tokens import SqlTokens
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.access import Access
from handrail.lineage.service.lineage import Lineage
from tests.fakes.lineage import PERMIT, STAGES, VERSION, PipelineInMemory, PredictionsInMemory, story
from tests.fakes.lineage_events import a_dataset, a_dataset_event, a_job_event, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(params=KINDS)
def store(request):
    """A store with the story of one model, a move, a token, and events of two senders who say the same."""
    with an_empty_store(request.param) as opened:
        pointers = SqlPointers(opened)
        lineage = Lineage(
            LineagePorts(
                SqlGraph(opened), pointers, PredictionsInMemory({}), PipelineInMemory(STAGES), "shop", write_events
            )
        )
        for call in story(Path()):
            call(lineage)
        lineage.point("mlflow alias flights@champion", VERSION, NOON, by=PERMIT.uri)
        Access(SqlTokens(opened), lambda: NOON).create("airflow")
        sent = [a_run_event(1, state, [a_dataset("a")], [a_dataset("b", "1")]) for state in ("START", "FAIL")]
        for sender in ("actor://service/airflow", "actor://service/spark"):
            SqlEvents(opened).add(list(map(read, [*sent, a_dataset_event(), a_job_event()])), sender, ["marquez"])
        yield opened


def test_what_was_recorded_follows_from_the_events(store):
    assert differences(store, read_event) == ()
    assert altered_rows(store) == ()


@pytest.mark.parametrize("table", ["node", "attribute", "statement", "digest", "run"])
def test_rows_that_are_gone_are_found(store, table):
    with store.write() as connection:
        connection.execute(sa.text(f"delete from lineage_{table}"))

    assert f"changed-{table}" in {flaw.kind for flaw in differences(store, read_event)}


def test_an_event_that_is_gone_leaves_rows_that_nothing_says(store):
    with store.write() as connection:
        connection.execute(sa.text("delete from lineage_event"))

    found = {flaw.kind for flaw in differences(store, read_event)}

    assert found >= {"changed-node", "changed-attribute", "changed-statement", "changed-run"}


def test_a_name_that_points_at_what_its_permit_does_not_allow_is_found(store):
    other = "s3://lake/b@1"
    lineage = LineagePorts(
        SqlGraph(store), SqlPointers(store), PredictionsInMemory({}), PipelineInMemory(()), "shop", write_events
    )
    Lineage(lineage).point("mlflow alias flights@champion", other, NOON, by=PERMIT.uri)

    assert [flaw.kind for flaw in altered_rows(store)] == ["pointer-other-than-permitted"]
