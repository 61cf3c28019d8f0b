"""The provider class that Feast loads by its dotted path: every movement of data goes on as before, and is recorded."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from feast.infra.compute_engines.base import ComputeEngine
from feast.infra.compute_engines.local.compute import LocalComputeEngine
from feast.infra.passthrough_provider import PassthroughProvider
from feast.repo_config import RepoConfig
from feast.utils import make_tzaware

from handrail.entrypoints.feast.provider.frames import digest_of
from handrail.entrypoints.feast.provider.job import RecordedJob
from handrail.entrypoints.feast.provider.materialization import CountingStore, Filling
from handrail.entrypoints.feast.provider.pending import PendingRecords
from handrail.entrypoints.feast.provider.project import ASSERTED_BY, RecordedProject
from handrail.entrypoints.feast.provider.retrieval import Asked
from handrail.entrypoints.hosts.never_fail import never_fail, on_failure
from handrail.lineage import ActivityDetails

_digest: ContextVar[str | None] = ContextVar("handrail_feast_digest", default=None)


class HandrailProvider(PassthroughProvider):
    """Feast's own provider, recording reads, writes and specifications. A failure to record never fails Feast.

    `digest_results` says whether the rows of historical reads and of pushes are hashed.
    """

    digest_results = True

    def __init__(self, config: RepoConfig) -> None:
        super().__init__(config)
        self._project = RecordedProject(config.project, config.repo_path)
        self._pending = PendingRecords(self._project)
        self._online_rows = CountingStore(None)
        self._filling = False

    @property
    def batch_engine(self) -> ComputeEngine:
        """The engine that materialises, made so that what it does past this provider is seen."""
        if self._batch_engine is None:
            made = super().batch_engine
            with never_fail("what the batch engine writes"):
                self._watch(made)
            self._batch_engine = made
        return self._batch_engine

    def update_infra(self, project: str, tables_to_delete: Any, tables_to_keep: Any, *args: Any, **kwargs: Any) -> None:
        """Apply; record the specifications that are registered from now on."""
        super().update_infra(project, tables_to_delete, tables_to_keep, *args, **kwargs)
        with never_fail("what feast apply registered"):
            self._applied(tables_to_keep)

    def get_historical_features(  # noqa: PLR0913 - Feast's signature
        self,
        config: RepoConfig,
        feature_views: list[Any],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: Any,
        project: str,
        full_feature_names: bool,
        **kwargs: Any,
    ) -> Any:
        """Plan a retrieval that records each time it runs."""
        job = super().get_historical_features(
            config, feature_views, feature_refs, entity_df, registry, project, full_feature_names, **kwargs
        )
        rows = len(entity_df) if isinstance(entity_df, pd.DataFrame) else None
        attributes = {name: str(value) for name, value in kwargs.items()}
        asked = Asked(tuple(feature_views), tuple(feature_refs), rows, registry, self.digest_results, attributes)
        return RecordedJob(job, self._project, asked)

    def get_online_features(
        self, config: RepoConfig, features: Any, entity_rows: Any, registry: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Read online; count it."""
        response = super().get_online_features(config, features, entity_rows, registry, *args, **kwargs)
        with never_fail("an online read"):
            self._pending.read(features, entity_rows, registry, response)
        return response

    async def get_online_features_async(
        self, config: RepoConfig, features: Any, entity_rows: Any, registry: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Read online; count it."""
        response = await super().get_online_features_async(config, features, entity_rows, registry, *args, **kwargs)
        with never_fail("an online read"):
            self._pending.read(features, entity_rows, registry, response)
        return response

    def count_online_read(self, service: Any, registry: Any, rows: int, newest: float) -> None:
        """Count a read of `handrail.feast.open_online_reader`, which does not pass through Feast."""
        with never_fail("an online read"):
            self._pending.read_rows(service, registry, rows, newest)

    def ingest_df(self, feature_view: Any, df: pd.DataFrame, *args: Any, **kwargs: Any) -> None:
        """Push rows to the online store."""
        with self._digesting(df):
            super().ingest_df(feature_view, df, *args, **kwargs)

    async def ingest_df_async(self, feature_view: Any, df: pd.DataFrame, *args: Any, **kwargs: Any) -> None:
        """Push rows to the online store."""
        with self._digesting(df):
            await super().ingest_df_async(feature_view, df, *args, **kwargs)

    def online_write_batch(self, config: RepoConfig, table: Any, data: list[Any], progress: Any) -> None:
        """Write rows to the online store; count them."""
        super().online_write_batch(config, table, data, progress)
        with never_fail(f"a push to {table.name}"):
            self._wrote(table, data)

    async def online_write_batch_async(self, config: RepoConfig, table: Any, data: list[Any], progress: Any) -> None:
        """Write rows to the online store; count them."""
        await super().online_write_batch_async(config, table, data, progress)
        with never_fail(f"a push to {table.name}"):
            self._wrote(table, data)

    def materialize_single_feature_view(  # noqa: PLR0913 - Feast's signature
        self,
        config: RepoConfig,
        feature_view: Any,
        start_date: datetime,
        end_date: datetime,
        registry: Any,
        project: str,
        tqdm_builder: Callable[[int], Any],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Fill the online store from the sources of one view; record it, also if it fails."""
        with self._fill([(feature_view, start_date, end_date)]):
            super().materialize_single_feature_view(
                config, feature_view, start_date, end_date, registry, project, tqdm_builder, *args, **kwargs
            )

    def _watch(self, engine: ComputeEngine) -> None:
        self._online_rows = CountingStore(engine.online_store)
        engine.online_store = self._online_rows  # type: ignore[assignment]
        if getattr(engine, "supports_batch", False):  # Feast then calls the engine itself, with all views at once
            engine.materialize = self._recorded(engine.materialize)  # type: ignore[method-assign]

    def _recorded(self, materialize: Callable[..., Any]) -> Callable[..., Any]:
        def run(registry: Any, tasks: Any, *args: Any, **kwargs: Any) -> Any:
            if self._filling:
                return materialize(registry, tasks, *args, **kwargs)
            several = tasks if isinstance(tasks, list) else [tasks]
            with self._fill([(task.feature_view, task.start_time, task.end_time) for task in several]):
                return materialize(registry, tasks, *args, **kwargs)

        return run

    @contextmanager
    def _fill(self, tasks: Sequence[tuple[Any, datetime, datetime]]) -> Iterator[None]:
        """Record what the body materialises."""
        with never_fail("pushes"):
            self._pending.flush()
        fillings: list[Filling] = []
        for task in tasks:
            with never_fail(task[0].name):
                fillings.append(Filling(self._project, *task))
        engine = self.batch_engine
        before, self._filling = Counter(self._online_rows.rows), True
        try:
            with on_failure(partial(_fail, fillings)):
                yield
        finally:
            self._filling = False
        written = self._online_rows.rows - before
        counted = isinstance(engine, LocalComputeEngine)
        for filling in fillings:
            rows = written[filling.view.name] if counted or filling.view.name in written else None
            with never_fail(filling.uri):
                filling.complete(rows)

    @contextmanager
    def _digesting(self, rows: pd.DataFrame) -> Iterator[None]:
        """Let the writes of the body know the digest of the rows that are pushed."""
        digest = None
        if self.digest_results:
            with never_fail("the digest of a push", logging.DEBUG):
                digest = digest_of(pa.Table.from_pandas(rows))
        token = _digest.set(digest)
        try:
            yield
        finally:
            _digest.reset(token)

    def _wrote(self, view: Any, data: Sequence[Any]) -> None:
        if self.online_store:
            newest = max((row[2] for row in data), default=None)
            self._pending.wrote(view, len(data), newest and make_tzaware(newest), _digest.get())

    def _applied(self, views: Sequence[Any]) -> None:
        """Record views at their specification; an apply that changes none of them is the same fact again."""
        made = [self._project.view(view) for view in views]
        if not made:
            return
        text = "\n".join(sorted(version.uri for version in made))
        uri = self._project.uri("apply", hashlib.sha256(text.encode()).hexdigest())
        details = ActivityDetails(attributes={"views": str(len(made))}, asserted_by=ASSERTED_BY)
        self._project.record_activity(uri, "feature-apply", details=details, generated=made)


def _fail(fillings: Sequence[Filling], err: BaseException) -> None:
    if isinstance(err, Exception):
        for filling in fillings:
            with never_fail(filling.uri):
                filling.fail(err)
