"""The short way to the driver tells of a damaged store as the long one does."""

import pytest

from handrail.errors import Unavailable
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import MIGRATIONS
from handrail.lineage.domain import artifact_at, describe_derivation
from handrail.storage import migrate, open_store


def test_a_file_damaged_while_it_is_in_use_is_one_sentence(tmp_path):
    url = f"sqlite:///{tmp_path / 'lineage.db'}"
    store = open_store(url)
    migrate(store, "lineage", MIGRATIONS)
    page = 4096
    with store.read() as connection:
        root = connection.exec_driver_sql("select rootpage from sqlite_master where name = 'lineage_node'").scalar()
        connection.exec_driver_sql("select count(*) from lineage_node")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
    store.close()
    with (tmp_path / "lineage.db").open("r+b") as file:
        file.seek((root - 1) * page)
        file.write(b"\xff" * page)
    store = open_store(url)

    with pytest.raises(Unavailable, match=r"restore a backup"):
        SqlGraph(store).record(describe_derivation(artifact_at("x://b"), artifact_at("x://a"), "me"))
    store.close()
