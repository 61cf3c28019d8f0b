"""Load packages of dlt, as they lie in the folder where its pipelines work. dlt is not loaded, and no pickle read.

The layout is that of dlt 1: `<pipeline>/state.json`, `<pipeline>/load/loaded/<load id>/` with `schema.json`,
`load_package_state.json`, `package_completed.json`, and jobs `<table>.<id>.<retry>.<format>` in `completed_jobs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handrail.clock import parse_moment
from handrail.errors import HandrailError, InvalidInput, Unavailable, UnknownReference
from handrail.files import sha256_of

INSTRUCTIONS = frozenset({"sql", "reference"})
"""Formats of jobs that hold no rows: what to do with those of other jobs."""
OWN = "_dlt_"
PRIVATE_USE = "\ue000", "\uf8ff"
REMEDY = "Restore it from a copy, or remove its folder: dlt itself needs it no more."


@dataclass(frozen=True, slots=True)
class Job:
    """One file of rows that was loaded into a table: its sha256, and where the destination keeps it, if it said so."""

    table: str
    name: str
    resource: str
    digest: str
    size: int
    remote: str | None


@dataclass(frozen=True, slots=True)
class LoadPackage:
    """What one run of a pipeline loaded. `outcome` is `loaded` or `aborted`; `failed` jobs are not among `jobs`."""

    pipeline: str
    load_id: str
    outcome: str
    destination: str
    dataset: str
    schema: str
    schema_hash: str
    started: datetime
    ended: datetime
    jobs: tuple[Job, ...]
    failed: int
    without_file: tuple[str, ...] = ()


def read_packages(folder: Path, pipeline: str | None = None) -> Iterator[LoadPackage | HandrailError]:
    """Yield every completed package, oldest first; in the place of one that cannot be read, what is wrong with it.

    Raises:
        UnknownReference: there is no pipeline, or none of that name.
    """
    found = sorted(place.parent for place in folder.glob("*/load") if place.is_dir())
    named = [place for place in found if pipeline in (None, place.name)]
    if not named:
        remedy = "Name the folder that `dlt.pipeline(pipelines_dir=...)` was given, else ~/.dlt/pipelines."
        raise UnknownReference("pipeline of dlt", pipeline or str(folder), remedy)
    for place in named:
        try:
            state = _json(place / "state.json")
        except HandrailError as err:
            yield err
            continue
        for package in sorted(each for each in (place / "load" / "loaded").glob("*") if each.is_dir()):
            try:
                yield _package(place.name, state, package)
            except HandrailError as err:
                yield err


def _package(pipeline: str, state: Mapping[str, Any], folder: Path) -> LoadPackage:
    schema, noted = _json(folder / "schema.json"), _json(folder / "load_package_state.json")
    outcome = _text(folder / "package_completed.json").strip()
    try:
        metrics: Mapping[str, Any] = noted.get("load_metrics") or {}
        resources = {name: _resource(schema["tables"], name) for name in schema["tables"]}
        files = sorted((folder / "completed_jobs").glob("*")) if (folder / "completed_jobs").is_dir() else []
        jobs = [_job(file, resources, metrics) for file in files]
        kept = {_id(file.name) for file in files}
        gone = [name for name, one in metrics.items() if one.get("state") == "completed" and _id(name) not in kept]
        started = _moment(noted["created_at"])
        ends = [_moment(one["finished_at"]) for one in metrics.values() if one.get("finished_at")]
        return LoadPackage(
            pipeline,
            folder.name,
            outcome,
            str(state.get("destination_type") or "").rpartition(".")[2],
            str(state.get("dataset_name") or ""),
            str(schema["name"]),
            str(schema["version_hash"]),
            started,
            max([started, *ends]),
            tuple(job for job in jobs if job is not None),
            sum(1 for _ in (folder / "failed_jobs").glob("*")),
            tuple(sorted(name for name in gone if _holds_rows(name))),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        said = f"it lacks {err}" if isinstance(err, KeyError) else str(err)
        raise InvalidInput(str(folder), f"it is no load package of dlt ({said})", REMEDY) from err


def _job(file: Path, resources: Mapping[str, str], metrics: Mapping[str, Any]) -> Job | None:
    if not _holds_rows(file.name):
        return None
    table, noted = file.name.split(".")[0], metrics.get(_id(file.name), {})
    try:
        digest, size = f"sha256:{sha256_of(file)}", file.stat().st_size
    except OSError as err:
        raise Unavailable(str(file), f"it cannot be read ({err.strerror})", "Correct its permissions.") from err
    return Job(table, _id(file.name), resources.get(table, table), digest, size, _address(noted.get("remote_url")))


def _address(noted: Any) -> str | None:
    """Return where the destination keeps a file, None where what it noted is no address."""
    try:
        noted.encode("utf-8")
        return noted if urlsplit(noted).scheme else None
    except (AttributeError, ValueError):
        return None


def _holds_rows(name: str) -> bool:
    return not name.startswith(OWN) and not INSTRUCTIONS & set(name.split(".")[2:])


def _id(name: str) -> str:
    """Return the name of a job without the number of its attempt, as dlt's metrics have it."""
    parts = name.split(".")
    return ".".join([*parts[:2], *(part for part in parts[2:] if not part.isdigit())])


def _resource(tables: Mapping[str, Any], name: str) -> str:
    """Return the resource that a table's rows were extracted from; nested tables have that of their parent."""
    for _ in range(len(tables)):
        table = tables[name]
        if "parent" not in table:
            return str(table.get("resource") or name)
        name = table["parent"]
    raise ValueError(f"the table {name} is its own parent")


def _moment(text: str) -> datetime:
    """Read a moment; dlt may write a character for private use before it, which says what type it has."""
    return parse_moment(text[1:] if PRIVATE_USE[0] <= text[:1] <= PRIVATE_USE[1] else text)


def _json(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(_text(file))
    except (ValueError, RecursionError) as err:
        raise InvalidInput(str(file), f"it is no JSON ({err})", REMEDY) from err
    if not isinstance(found, dict):
        raise InvalidInput(str(file), "it is no object", REMEDY)
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as err:
        said = getattr(err, "strerror", None) or "it is no text"
        raise Unavailable(str(file), f"it cannot be read ({said})", REMEDY) from err
