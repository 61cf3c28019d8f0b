"""A retrieval that has not run yet: to Arrow, pandas or Polars at once, or to a parquet file batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.field import Field
from feast.infra.offline_stores.file_source import FileSource, SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage
from feast.type_map import feast_value_type_to_pa

from handrail.entrypoints.feast.data_files import list_files
from handrail.entrypoints.feast.offline_store.entities import EntityRows, as_polars
from handrail.entrypoints.feast.offline_store.sources import as_file_source, location, refuse_table
from handrail.errors import InvalidInput, Misconfigured
from handrail.files import replacing
from handrail.point_in_time import Join

if TYPE_CHECKING:
    import pandas as pd

Batches = Callable[[], Iterator[pa.Table]]


@dataclass(frozen=True)
class JoinedRows:
    """Entity rows with their features: the schema at once, the rows when they are asked for.

    Attributes:
        types: the Arrow types of the features, by their names in the result.
    """

    entities: EntityRows
    join: Join
    types: Mapping[str, pa.DataType]

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of the result: the entity rows' own, then the features."""
        return pa.schema([*self.entities.schema, *self.types.items()])

    def __call__(self) -> Iterator[pa.Table]:
        """Yield the result batch by batch, in the entity rows' order."""
        since, until = self.entities.bounds()
        schema = self.schema
        join = Join(self.join.schema, self.join.event_time, self.join.tables, since, until)
        for batch in self.entities.batches():
            known = as_polars(batch.select(join.schema.names()))
            found = as_arrow(join.run(known), self.types)
            yield pa.Table.from_arrays([*batch.columns, *found.columns], schema=schema)


def as_arrow(frame: pl.DataFrame, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Return the columns that `types` names, in these types."""
    table = frame.select(*types).to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(pa.schema(list(types.items())))


@dataclass
class HandrailRetrievalJob(RetrievalJob):
    """What Feast hands to its user; the work happens in `to_*` and `persist`, each time again.

    Attributes:
        rows: gives the result, batch by batch, without on-demand features.
        schema: columns and types of `rows`.
        repo_path: what relative paths count from.
    """

    rows: Batches
    schema: pa.Schema
    repo_path: Path
    full_names: bool = False
    views_on_demand: list[OnDemandFeatureView] = field(default_factory=list)
    described: RetrievalMetadata | None = None

    @property
    def full_feature_names(self) -> bool:
        """Whether columns are called `<view>__<feature>`."""
        return self.full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """The views that Feast computes from the retrieved columns."""
        return [_with_its_inputs(view) for view in self.views_on_demand]

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """The features asked for, and the range of time."""
        return self.described

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002 - Feast's signature
        parts = list(self.rows())
        return pa.concat_tables(parts) if parts else self.schema.empty_table()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """Return the result, on-demand features included, as a Polars frame."""
        return as_polars(self.to_arrow())

    def to_parquet(self, path: str | Path) -> int:
        """Write the result to a local file batch by batch and return its number of rows.

        The file appears under its name only when it is whole. On-demand features are computed for each batch and
        written in the types that their views declare.

        Raises:
            InvalidInput: an on-demand feature does not fit its declared type.
        """
        target = Path(path)
        with replacing(target) as beside:
            return self._write(beside, None)

    def _write(self, path: str | Path, filesystem: pa.fs.FileSystem | None) -> int:
        rows, parts = 0, self._finished()
        first = next(parts)
        # Feast reads the type of a list from its name in the file, and knows `item` alone.
        with pq.ParquetWriter(path, first.schema, filesystem=filesystem, use_compliant_nested_type=False) as writer:
            for part in chain([first], parts):
                writer.write_table(part)
                rows += part.num_rows
        return rows

    def _finished(self) -> Iterator[pa.Table]:
        """Yield every batch with its on-demand features; one empty batch if there is no row."""
        declared = {
            (f"{view.projection.name_alias or view.name}__{feature.name}" if self.full_names else feature.name): feature
            for view in self.views_on_demand
            for feature in view.features
        }
        parts = self.rows()
        for part in chain([next(parts, self.schema.empty_table())], parts):
            yield _as_declared(self._of(part).to_arrow(), declared)

    def _of(self, part: pa.Table) -> HandrailRetrievalJob:
        return HandrailRetrievalJob(
            lambda: iter([part]), part.schema, self.repo_path, self.full_names, self.views_on_demand, self.described
        )

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,  # noqa: ARG002 - Feast's signature
    ) -> None:
        """Write the result as a saved dataset.

        Raises:
            SavedDatasetLocationAlreadyExists: there is one already and it may not be overwritten.
            Misconfigured: the storage is not a parquet file.
        """
        if not isinstance(storage, SavedDatasetFileStorage):
            raise Misconfigured(
                "Saved dataset",
                f"its storage is a {type(storage).__name__}, and this offline store writes files",
                "Use SavedDatasetFileStorage.",
            )
        as_file_source(storage.to_data_source(), "Saved dataset")
        where = location(storage.file_options.uri, self.repo_path, "Saved dataset")
        filesystem, path = FileSource.create_filesystem_and_path(where, storage.file_options.s3_endpoint_override)
        there = (filesystem or pa.fs.LocalFileSystem()).get_file_info(path).type
        if there != pa.fs.FileType.NotFound and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
        if filesystem is not None:
            self._write(path, filesystem)
        elif there == pa.fs.FileType.Directory or not path.endswith(".parquet"):
            self._replace_folder(Path(path))
        else:
            self.to_parquet(path)

    def _replace_folder(self, folder: Path) -> None:
        """Write the result as the one file of a folder."""
        before = list_files(pa.fs.LocalFileSystem(), str(folder))
        if before.table is not None:
            refuse_table(before.table, "Saved dataset")
        part = folder / "part-0.parquet"
        self.to_parquet(part)
        for old in before.files:
            if Path(old.path) != part:
                Path(old.path).unlink()


def _with_its_inputs(view: OnDemandFeatureView) -> OnDemandFeatureView:
    """Return a view that gets the fields of requests alone, if it needs nothing else and computes over lists.

    Feast makes Python objects of every column of the result for such a view: seconds where there are many. It lets no
    view be registered whose function needs a column that the view does not name.
    """
    if view.mode != "python" or view.source_feature_view_projections:
        return view
    inputs, narrowed, compute = view.get_request_data_schema(), copy(view), view.transform_arrow

    def of_inputs(table: pa.Table, full_feature_names: bool = False) -> pa.Table:
        return compute(table.select([name for name in table.column_names if name in inputs]), full_feature_names)

    setattr(narrowed, "transform_arrow", of_inputs)  # noqa: B010 - a method of one object
    return narrowed


def _as_declared(part: pa.Table, declared: Mapping[str, Field]) -> pa.Table:
    """Return the batch with its on-demand features in their declared types, so that all batches have the same."""
    for position, name in enumerate(part.column_names):
        if name in declared:
            kind = feast_value_type_to_pa(declared[name].dtype.to_value_type())
            try:
                part = part.set_column(position, pa.field(name, kind), part.column(position).cast(kind))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as err:
                raise InvalidInput(
                    f"On-demand feature {name!r}",
                    f"a value of it does not fit its declared type {kind} ({str(err).rstrip('.')})",
                    "Correct its field, or what its function returns.",
                ) from err
    return part
