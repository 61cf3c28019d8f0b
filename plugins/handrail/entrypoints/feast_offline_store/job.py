"""A retrieval that has not run yet: to Arrow, pandas or Polars at once, or to a parquet file batch by batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import FileSource, SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage

from handrail.entrypoints.feast_offline_store.entities import EntityRows
from handrail.errors import Misconfigured
from handrail.point_in_time import Join

if TYPE_CHECKING:
    import pandas as pd

Batches = Callable[[], Iterator[pa.Table]]


@dataclass(frozen=True)
class JoinedRows:
    """Entity rows with their features: the schema at once, the rows when they are asked for."""

    entities: EntityRows
    join: Join

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of the result: the entity rows' own, then the features."""
        fields = list(self.entities.schema)
        empty = pl.DataFrame(schema=self.join.result_schema).to_arrow(compat_level=pl.CompatLevel.oldest())
        return pa.schema([*fields, *(empty.schema.field(name) for name in self._features)])

    @property
    def _features(self) -> list[str]:
        return [name for table in self.join.tables for name in table.columns.values()]

    def __call__(self) -> Iterator[pa.Table]:
        """Yield the result batch by batch, in the entity rows' order."""
        since, until = self.entities.bounds()
        join = Join(self.join.schema, self.join.event_time, self.join.tables, since, until)
        for batch in self.entities.batches():
            known = pl.from_arrow(batch.select(join.schema.names()))
            found = join.run(known).select(self._features)  # type: ignore[arg-type]  # a table is never a series
            columns = found.to_arrow(compat_level=pl.CompatLevel.oldest()).columns
            yield pa.Table.from_arrays([*batch.columns, *columns], schema=self.schema)


@dataclass
class HandrailRetrievalJob(RetrievalJob):
    """What Feast hands to its user; the work happens in `to_*` and `persist`, each time anew.

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
        return self.views_on_demand

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
        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
        return frame

    def to_parquet(self, path: str | Path) -> int:
        """Write the result to a local file batch by batch and return its number of rows.

        The file appears under its name only when it is whole. On-demand features are computed for each batch.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}.next")
        count = 0
        try:
            writer = None
            for part in self._finished():
                writer = writer or pq.ParquetWriter(beside, part.schema)
                writer.write_table(part)
                count += part.num_rows
            if writer is None:
                raise AssertionError("a result has at least one part")
            writer.close()
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return count

    def _finished(self) -> Iterator[pa.Table]:
        """Yield every batch with its on-demand features; one empty batch if there is no row."""
        empty = True
        for part in self.rows():
            empty = False
            yield self._of(part).to_arrow()
        if empty:
            yield self._of(self.schema.empty_table()).to_arrow()

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
            Misconfigured: the storage is no parquet file.
        """
        if not isinstance(storage, SavedDatasetFileStorage):
            raise Misconfigured(
                "Saved dataset",
                f"its storage is a {type(storage).__name__}, and this offline store writes files",
                "Use SavedDatasetFileStorage.",
            )
        where = FileSource.get_uri_for_file_path(repo_path=str(self.repo_path), uri=storage.file_options.uri)
        filesystem, path = FileSource.create_filesystem_and_path(str(where), storage.file_options.s3_endpoint_override)
        if filesystem is not None:
            pq.write_table(self.to_arrow(), path, filesystem=filesystem)
            return
        if Path(path).exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
        self.to_parquet(path if path.endswith(".parquet") else Path(path) / "part-0.parquet")
