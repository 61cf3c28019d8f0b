"""A retrieval that has not run yet, as Feast's own, with a record of each time it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from feast.infra.offline_stores.offline_store import RetrievalJob

from handrail.entrypoints.feast.provider.project import RecordedProject
from handrail.entrypoints.feast.provider.retrieval import Asked, Reading, begin, remember
from handrail.entrypoints.feast.provider.sources import Sources
from handrail.entrypoints.hosts.never_fail import never_fail, on_failure

WITHOUT_READING = frozenset({"to_sql"})
INTO_FILES = frozenset({"persist", "to_parquet"})


class RecordedJob:
    """Replaces a store's retrieval job and looks like it, also to `isinstance`; whatever reads is recorded."""

    def __init__(self, job: RetrievalJob, project: RecordedProject, asked: Asked) -> None:
        self._job, self._project, self._asked = job, project, asked

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._job)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._job, name)
        if not callable(found) or name in WITHOUT_READING:
            return found
        if name in INTO_FILES:
            return self._recorded(name, found)
        if not name.startswith(("to_", "_to_")):
            return found
        # What Feast's base class makes of to_arrow() is left to it, so that the one read inside is what is recorded.
        if name != "to_arrow" and _is_feasts_own(type(self._job), name):
            return self._through_base(getattr(RetrievalJob, name))
        return self._recorded(name, found)

    def _through_base(self, base: Callable[..., Any]) -> Callable[..., Any]:
        """Return Feast's own method over this job: what it reads through `to_arrow` is recorded there."""

        def run(*args: Any, **kwargs: Any) -> Any:
            seen = _Seen(self)
            result = base(seen, *args, **kwargs)
            if seen.uri:
                remember(result, seen.uri, self._project)
            return result

        return run

    def _recorded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            return self._run(name, method, args, kwargs)[0]

        return run

    def _run(
        self, name: str, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, str | None]:
        reading = begin(self._project, self._asked)
        what = reading.uri if reading else "a historical read"
        with on_failure(lambda err: self._failed(reading, err)):
            result = method(*args, **kwargs)
        if reading is None:
            return result, None
        if name in INTO_FILES:
            rows = result if isinstance(result, int) else None
            with never_fail(what):
                reading.complete_file(self._file(args, kwargs), rows)
        else:
            with never_fail(what):
                reading.complete(result)
        return result, reading.uri

    @staticmethod
    def _failed(reading: Reading | None, err: BaseException) -> None:
        if reading and isinstance(err, Exception):
            with never_fail(reading.uri):
                reading.fail(err)

    def _file(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Path | None:
        target = args[0] if args else kwargs.get("storage", kwargs.get("path"))
        options = getattr(target, "file_options", None)
        place = options.uri if options is not None else target
        return Sources(self._project).local(str(place)) if isinstance(place, str | Path) else None


def _is_feasts_own(kind: type, name: str) -> bool:
    return hasattr(RetrievalJob, name) and getattr(kind, name, None) is getattr(RetrievalJob, name)


class _Seen:
    """The job as Feast's base methods see it; keeps the URI of the read that they cause."""

    def __init__(self, job: RecordedJob) -> None:
        self._recorded_job = job
        self.uri: str | None = None

    def to_arrow(self, *args: Any, **kwargs: Any) -> Any:
        job = self._recorded_job
        result, self.uri = job._run("to_arrow", job._job.to_arrow, args, kwargs)
        return result

    def to_df(self, *args: Any, **kwargs: Any) -> Any:
        if _is_feasts_own(type(self._recorded_job._job), "to_df"):
            return RetrievalJob.to_df(self, *args, **kwargs)  # type: ignore[arg-type]
        job = self._recorded_job
        result, self.uri = job._run("to_df", job._job.to_df, args, kwargs)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recorded_job._job, name)
