"""The same rows as a body in each format, as clients write them."""

import json
from datetime import datetime

import pyarrow as pa
from pyarrow import parquet

from handrail.entrypoints.http.feedback_formats import ARROW, JSON, NDJSON, PARQUET


def a_table(rows):
    """Return rows of JSON as an Arrow table with the natural types, moments in UTC."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    for name in ("made_at", "occurred_at", "since", "until"):
        if name in columns:
            moments = [None if each is None else datetime.fromisoformat(each) for each in columns[name]]
            columns[name] = pa.array(moments, pa.timestamp("us", "UTC"))
    return pa.table(columns)


def as_arrow(table, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def as_parquet(table, **options):
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def as_ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def in_each_format(rows, batch="events"):
    table = a_table(rows)
    return {
        JSON: json.dumps({batch: rows}).encode(),
        NDJSON: as_ndjson(rows),
        ARROW: as_arrow(table),
        PARQUET: as_parquet(table),
    }
