"""Files that differ in the type of one column, and that column as the offline store reads it."""

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from handrail.entrypoints.feast.data_files import list_files
from handrail.entrypoints.feast.offline_store.footers import read_footers
from handrail.entrypoints.feast.offline_store.source_rows import Wanted, open_rows


def write_files(folder, files):
    """Write one file an array, in order; a list of length None has no column `v`."""
    for number, values in enumerate(files):
        columns = {"row": pa.array([number] * (len(values) if values is not None else 1))}
        table = pa.table(columns if values is None else columns | {"v": values})
        pq.write_table(table, f"{folder}/part-{number}")


def _opened(folder, declared, **wanted):
    files = LocalFileSystem()
    footers = read_footers(files, list_files(files, str(folder)).files, "Feature view 'w'")
    return open_rows(footers, Wanted("Feature view 'w'", {"v": declared}, **wanted), {})


def values_of(folder, declared, **wanted):
    opened = _opened(folder, declared, **wanted)
    opened.verify()
    return opened.rows.collect().to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.schema(opened.types))["v"]
