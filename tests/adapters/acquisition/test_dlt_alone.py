"""What acquisition promises beyond dlt, shown on dlt alone first: a claim needs something to be better than."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from handrail.acquisition import Acquiring, Column, Table
from handrail.acquisition.adapters.dlt_modules import without_stand_in
from handrail.acquisition.adapters.json_documents import JsonDocuments
from handrail.acquisition.adapters.sql_row_store import MIGRATIONS, SqlRowStore
from handrail.acquisition.adapters.yaml_sources import Documents
from handrail.storage import migrate, open_store
from tests.fakes.acquisition import VersionsInMemory

ORDERS = Table("orders", (Column("id", "whole", True), Column("x", "number")), ("id",))
ROWS = [{"id": number, "x": float(number)} for number in range(20)]

FAILS = """
create trigger fails before update on acquisition_source when new.position is not null
begin select raise(abort, 'the position is lost'); end
"""


@pytest.fixture
def dlt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """dlt without its telemetry, in a folder of its own."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.chdir(tmp_path)
    import dlt

    without_stand_in()
    return dlt


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(f"sqlite:///{tmp_path / 'acquired.db'}")
    migrate(opened, "acquisition", MIGRATIONS)
    yield SqlRowStore(opened)
    opened.close()


def pipeline_on(dlt: Any, machine: Path) -> Any:
    """Open the pipeline as a new machine does: what it knows of before lies at the destination."""
    destination = dlt.destinations.duckdb(str(machine.parent / "shop.duckdb"))
    return dlt.pipeline("shop", pipelines_dir=str(machine), destination=destination, dataset_name="sold")


def ids(machine: Path) -> list[int]:
    with duckdb.connect(str(machine.parent / "shop.duckdb"), read_only=True) as connection:
        return sorted(row[0] for row in connection.execute("select id from sold.orders").fetchall())


def acquiring(folder: Path, store: SqlRowStore) -> Acquiring:
    (folder / "orders.ndjson").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    source = JsonDocuments(Documents(path="orders.ndjson"), folder)
    return Acquiring(ORDERS, source, store, VersionsInMemory(), lambda: datetime.now(UTC))


def failing_state(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let dlt's job that writes its state fail, as where its file was lost; return what ends that."""
    from dlt.common.destination.exceptions import DestinationTerminalException
    from dlt.destinations.impl.duckdb.duck import DuckDbClient

    create = DuckDbClient.create_load_job

    def fails(client: Any, table: Any, file_path: str, *others: Any, **named: Any) -> Any:
        if "_dlt_pipeline_state" in file_path:
            raise DestinationTerminalException("matched no files")
        return create(client, table, file_path, *others, **named)

    monkeypatch.setattr(DuckDbClient, "create_load_job", fails)
    return lambda: monkeypatch.setattr(DuckDbClient, "create_load_job", create)


def test_dlt_alone_doubles_rows_where_its_state_could_not_be_written(
    dlt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dlt-hub/dlt#4052: rows and state are written one after the other."""

    @dlt.resource(name="orders", write_disposition="append")
    def orders(_since: Any = dlt.sources.incremental("id")) -> Any:  # noqa: B008 - as dlt's page has it
        yield ROWS

    mend = failing_state(monkeypatch)
    with pytest.raises(Exception, match="matched no files"):
        pipeline_on(dlt, tmp_path / "first").run(orders())
    mend()
    pipeline_on(dlt, tmp_path / "second").run(orders())

    assert ids(tmp_path / "second") == sorted([*range(20), *range(20)])


def test_a_position_that_could_not_be_written_doubles_nothing_here(tmp_path: Path, store: SqlRowStore) -> None:
    with sqlite3.connect(tmp_path / "acquired.db") as connection:
        connection.execute(FAILS)
    with pytest.raises(sa.exc.IntegrityError, match="lost"):
        acquiring(tmp_path, store).run()
    assert list(store.history("orders")) == []
    with sqlite3.connect(tmp_path / "acquired.db") as connection:
        connection.execute("drop trigger fails")

    acquiring(tmp_path, store).run()

    assert [row[0] for row in store.rows("orders")] == sorted(range(20), key=lambda number: f"[{number}]")
    assert len(list(store.history("orders"))) == 20


def test_dlt_alone_leaves_no_trace_of_a_row_that_it_rejects(dlt: Any, tmp_path: Path) -> None:
    """Seen beside dlt-hub/dlt#4023."""
    columns = {"id": {"data_type": "bigint"}, "x": {"data_type": "double"}}
    orders = dlt.resource(
        [{"id": 1, "x": 1.5}, {"id": 2, "x": "as warm as toast"}],
        name="orders",
        columns=columns,
        schema_contract={"data_type": "discard_row"},
    )

    pipeline_on(dlt, tmp_path / "machine").run(orders)

    assert ids(tmp_path / "machine") == [1]
    kept = (file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert not any(b"as warm as toast" in content for content in kept)


def test_a_rejected_row_is_kept_here_with_its_reason(tmp_path: Path, store: SqlRowStore) -> None:
    acquired = acquiring(tmp_path, store)
    with (tmp_path / "orders.ndjson").open("a", encoding="utf-8") as file:
        file.write('{"id": 21, "x": "as warm as toast"}\n')

    acquired.run()

    (aside,) = store.aside("orders")
    assert "as warm as toast" in aside.text
    assert aside.reason == "x is 'as warm as toast', expected a finite number"
