"""What was recorded follows from the events on every database, whoever sent it; a row that is gone is found too."""

import json
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
from handrail.lineage.adapters.sql.tables import column, edge, event, node
from handrail.lineage.adapters.sql.tables import sender as sent
from handrail.lineage.adapters.sql.tokens import SqlTokens
from handrail.lineage.domain.vocabulary import Role
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.access import Access
from handrail.lineage.service.lineage import Lineage
from tests.fakes.lineage import PERMIT, STAGES, VERSION, PipelineInMemory, PredictionsInMemory, story
from tests.fakes.lineage_events import a_dataset, a_dataset_event, a_job_event, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, dump

pytestmark = pytest.mark.any_version

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
        sent = [
            a_run_event(1, state, [a_dataset("a")], [a_dataset("b", "1")], eventTime=f"2026-11-23T{hour}:00:00Z")
            for state, hour in (("START", 11), ("RUNNING", 12), ("ABORT", 13), ("FAIL", 14), ("RUNNING", 15))
        ]
        for sender in ("actor://service/airflow", "actor://service/spark"):
            SqlEvents(opened).add(list(map(read, [*sent, a_dataset_event(), a_job_event()])), sender, ["marquez"])
        yield opened


def test_what_was_recorded_follows_from_the_events(store):
    assert differences(store, read_event) == ()
    assert altered_rows(store) == ()


def test_runs_that_another_handrail_sends_on_follow_from_its_events(store):
    with store.read() as connection:
        uris = connection.execute(sa.select(node.c.uri)).scalars().all()
    sent = write_events(SqlGraph(store).facts(uris), NOON)

    with an_empty_store("sqlite") as other:
        SqlEvents(other).add([read(json.loads(event.body)) for event in sent], "actor://service/handrail", [])

        assert dump(other)["lineage_run"] == dump(store)["lineage_run"] != []
        assert differences(other, read_event) == ()


@pytest.mark.parametrize("table", ["node", "attribute", "statement", "digest", "run"])
def test_rows_that_are_gone_are_found(store, table):
    with store.write() as connection:
        connection.execute(sa.text(f"delete from lineage_{table}"))

    assert f"changed-{table}" in {flaw.kind for flaw in differences(store, read_event)}


@pytest.mark.parametrize(
    ("name", "said"), [("total", "what total came from: no event says so"), ("", "what it came from: no event says so")]
)
def test_a_column_that_no_event_names_is_found(store, name, said):
    with store.write() as connection:
        ids = connection.execute(sa.select(node.c.id)).scalars().all()
        given = {"id": 5, "effect": ids[0], "cause": ids[1], "source": "x", "how": "", "asserted_by": "x"}
        connection.execute(column.insert(), given | {"column": name})

    assert [(flaw.kind, flaw.detail) for flaw in differences(store, read_event)] == [("changed-column", said)]


@pytest.mark.parametrize(("role", "found"), [(Role.ARTIFACT, 1), (Role.ACTIVITY, 1), (Role.AGENT, 0)])
def test_a_node_that_no_event_names_is_found_unless_it_is_an_agent(store, role, found):
    """An agent with whom nothing is associated is in no event."""
    with store.write() as connection:
        connection.execute(node.insert(), {"id": 5, "uri": "x://y", "role": int(role), "kind": "x"})

    assert [flaw.subject for flaw in differences(store, read_event)] == ["x://y"] * found


@pytest.mark.parametrize(("claimed", "word"), [(True, "proven"), (False, "asserted")])
def test_an_edge_that_is_marked_otherwise_than_its_digests_say_is_found(store, claimed, word):
    with store.write() as connection:
        connection.execute(edge.update().values(proven=claimed))

    found = [flaw for flaw in differences(store, read_event) if flaw.kind == "changed-proof"]

    assert found
    assert all(f" is {word}, and its digests say otherwise" in flaw.detail for flaw in found)


@pytest.mark.parametrize(("sender", "is_found"), [("eve", True), ("handrail2", True), ("actor://service/eve", False)])
def test_who_cannot_send_events_is_found(store, sender, is_found):
    with store.write() as connection:
        key = connection.execute(sa.select(sent.c.event_id).where(sent.c.sender == "handrail")).scalars().first()
        connection.execute(sent.insert(), {"event_id": key, "sender": sender})

    assert ("changed-sender" in {flaw.kind for flaw in differences(store, read_event)}) is is_found


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"eventType": "DONE"}'])
def test_an_event_that_cannot_be_read_any_more_is_found(store, body):
    with store.write() as connection:
        key = connection.execute(sa.select(event.c.event_id)).scalars().first()
        connection.execute(event.update().where(event.c.event_id == key).values(body=body))

    found = [flaw for flaw in differences(store, read_event) if flaw.kind == "unreadable-event"]

    assert {flaw.subject for flaw in found} == {f"event {key}"}


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
