"""A file that is damaged while it is in use is one sentence, whichever statement meets the damage."""

from datetime import UTC, datetime

import pytest

from handrail.errors import Unavailable
from handrail.lineage.adapters.sql.audit import SqlAudit
from handrail.lineage.adapters.sql.census import SqlCensus
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.outbox import SqlOutbox
from handrail.lineage.adapters.sql.tables import MIGRATIONS
from handrail.lineage.domain.facts import describe_derivation
from handrail.lineage.domain.graph import Direction, Reachable
from handrail.lineage.domain.names import artifact_at
from handrail.storage import migrate, open_store

pytestmark = pytest.mark.any_version

PAGE = 4096
FACTS = describe_derivation(artifact_at("x://b"), artifact_at("x://a"), "me")
EFFECTS_OF_A = Reachable("x://a", Direction.EFFECTS, 10)


@pytest.fixture
def damaged(tmp_path):
    """Return a function that opens a store with one edge, in which the pages of some tables and indices are damaged."""
    url, opened = f"sqlite:///{tmp_path / 'lineage.db'}", []

    def damage(*names):
        store = open_store(url)
        migrate(store, "lineage", MIGRATIONS)
        SqlGraph(store).record(FACTS)
        with store.read() as connection:
            query = "select name, rootpage from sqlite_master where tbl_name = ?"
            roots = [page for name in names for _, page in connection.exec_driver_sql(query, (name,)) if page]
        with store.engine.connect() as connection:
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
        store.close()
        with (tmp_path / "lineage.db").open("r+b") as file:
            for root in roots:
                file.seek((root - 1) * PAGE)
                file.write(b"\xff" * PAGE)
        opened.append(open_store(url))
        return opened[-1]

    yield damage
    for store in opened:
        store.close()


@pytest.mark.parametrize(
    ("table", "call"),
    [
        ("lineage_node", lambda store: SqlGraph(store).record(FACTS)),
        ("lineage_node", lambda store: SqlGraph(store).facts(["x://a"])),
        ("lineage_node", lambda store: SqlGraph(store).find("x://", 10)),
        ("lineage_node", lambda store: SqlCensus(store).runs(["x://a"])),
        ("lineage_edge", lambda store: SqlGraph(store).walk("x://b", Direction.CAUSES, 10)),
        ("lineage_edge", lambda store: SqlGraph(store).walk("x://b", Direction.CAUSES, 10, depth=2)),
        ("lineage_edge", lambda store: SqlGraph(store).tally(EFFECTS_OF_A)),
        ("lineage_edge", lambda store: SqlGraph(store).page(EFFECTS_OF_A, (), "", 10)),
        ("lineage_edge", lambda store: SqlAudit(store).flaws(datetime(2026, 11, 23, tzinfo=UTC))),
        ("lineage_attribute", lambda store: SqlGraph(store).walk("x://b", Direction.CAUSES, 10)),
        ("lineage_statement", lambda store: SqlGraph(store).walk("x://b", Direction.CAUSES, 10)),
        ("lineage_outbox", lambda store: SqlOutbox(store).settle("marquez", ["1"])),
    ],
    ids=[
        "record",
        "facts",
        "find",
        "census",
        "walk",
        "levels",
        "tally",
        "page",
        "audit",
        "attributes",
        "edges",
        "queue",
    ],
)
def test_a_file_damaged_while_it_is_in_use_is_one_sentence(damaged, table, call):
    store = damaged(table)

    with pytest.raises(Unavailable, match=r"restore a backup"):
        call(store)
