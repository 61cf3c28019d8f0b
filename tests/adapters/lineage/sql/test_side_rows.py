"""Rows that follow from no event are checked as well: moves of names, tokens, and edges newer than a copy."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from handrail.lineage.adapters.sql.epochs import begin_epoch
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.adapters.sql.side_rows import altered_rows
from handrail.lineage.adapters.sql.tables import edge, epoch, metadata, recent_edge
from handrail.lineage.adapters.sql.tokens import SqlTokens
from handrail.lineage.domain.facts import describe_derivation
from handrail.lineage.domain.graph import Pointer
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.service.access import Access
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear

pytestmark = pytest.mark.any_version

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
A, B = artifact_at("s3://lake/a"), artifact_at("s3://lake/b")


@pytest.fixture(scope="module", params=KINDS)
def empty(request):
    with an_empty_store(request.param) as opened:
        yield opened


@pytest.fixture
def store(empty):
    """A store with an edge, a move and a token."""
    clear(empty)
    SqlGraph(empty).record(describe_derivation(B, A, "x"))
    SqlPointers(empty).add(Pointer("lake", B.uri, NOON, "actor://s/bob"))
    Access(SqlTokens(empty), lambda: NOON).create("airflow")
    return empty


def test_what_was_recorded_is_as_it_was(store):
    assert altered_rows(store) == ()


@pytest.mark.parametrize(
    ("table", "change", "kind"),
    [
        ("pointer", {"target": "s3://lake/b@1"}, "changed-pointer"),
        ("pointer", {"by": "actor://s/eve"}, "changed-pointer"),
        ("pointer", {"at": "2026-11-23T13:00:00.000000+00:00"}, "changed-pointer"),
        ("token", {"holder": "actor://service/eve"}, "changed-token"),
        ("token", {"digest": "0" * 64}, "changed-token"),
        ("token", {"may": "ask"}, "changed-token"),
    ],
    ids=str,
)
def test_a_move_or_a_token_that_was_altered_is_found(store, table, change, kind):
    with store.write() as connection:
        connection.execute(metadata.tables[f"lineage_{table}"].update().values(**change))

    assert kind in {flaw.kind for flaw in altered_rows(store)}


EDGE, LOOP, UNKNOWN = "edge", "loop", "unknown"


@pytest.mark.parametrize(
    ("newer", "later", "found"),
    [(EDGE, 0, False), (LOOP, 0, False), (EDGE, 1, True), (LOOP, 1, True), (UNKNOWN, 0, True), (UNKNOWN, 1, True)],
)
def test_an_edge_newer_than_a_copy_is_one_of_the_graph_or_a_loop_at_a_node_and_no_newer_than_the_last_copy(
    store, newer, later, found
):
    with store.write() as connection:
        number = begin_epoch(connection)
        effect, cause = connection.execute(sa.select(edge.c.effect, edge.c.cause)).first()
        ends = {EDGE: (effect, cause), LOOP: (cause, cause), UNKNOWN: (cause, effect)}[newer]
        row = {"epoch": number + later, "effect": ends[0], "cause": ends[1]}
        connection.execute(recent_edge.insert(), row)

    assert [flaw.kind for flaw in altered_rows(store)] == ["changed-copy"] * found


def test_where_no_copy_was_ever_taken_no_edge_is_newer_than_one(store):
    with store.write() as connection:
        row = connection.execute(sa.select(edge.c.effect, edge.c.cause)).first()
        connection.execute(recent_edge.insert(), {"epoch": 1, "effect": row.effect, "cause": row.cause})

    assert [flaw.kind for flaw in altered_rows(store)] == ["changed-copy"]


def test_a_second_counter_of_copies_is_found(store):
    with store.write() as connection:
        connection.execute(epoch.insert(), [{"id": 1, "epoch": 3}, {"id": 2, "epoch": 3}])

    assert [flaw.subject for flaw in altered_rows(store)] == ["lineage_epoch"]
