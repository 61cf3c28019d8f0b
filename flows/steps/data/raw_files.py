"""The files in data/raw: a CSV a month or a table, and a manifest that names each by rows and sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.source_tables import COLUMNS, parse_csv
from flows.steps.project.outputs import write_bytes, write_json
from handrail.errors import InvalidInput
from handrail.files import sha256_of

MANIFEST = "manifest.json"
MONTHLY = ("flights", "weather")
WHOLE = ("planes", "airports", "airlines")
REMEDY = "Restore it with `dvc checkout data/raw`, or make it again with `dvc repro --force acquire`."


def write_raw(tables: dict[str, pl.DataFrame], folder: Path) -> None:
    """Write each table below `folder`, the monthly ones a file a month in their order of rows, and the manifest."""
    manifest: dict[str, dict[str, Any]] = {}
    for name, frame in _files(tables):
        text = frame
        if "time_hour" in frame.columns:
            text = frame.with_columns(pl.col("time_hour").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        content = text.write_csv(null_value="NA").encode()
        write_bytes(folder / name, content)
        manifest[name] = {"rows": frame.height, "sha256": hashlib.sha256(content).hexdigest()}
    write_json(folder / MANIFEST, manifest)


def read_raw(folder: Path) -> dict[str, pl.DataFrame]:
    """Read every table after checking each file against the manifest.

    Raises:
        InvalidInput: a file is missing, cut short, reordered, altered or not in the manifest; the sentence names it.
    """
    manifest = read_manifest(folder)
    _refuse_unknown(folder, manifest)
    tables: dict[str, list[pl.DataFrame]] = {name: [] for name in COLUMNS}
    for name in sorted(manifest):
        tables[name.split("/")[0].removesuffix(".csv")].append(_read_checked(folder, name, manifest[name]))
    for name, parts in tables.items():
        if not parts:
            raise InvalidInput(f"data/raw/{MANIFEST}", f"it names no file of {name}", REMEDY)
    return {name: pl.concat(parts) for name, parts in tables.items()}


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest and check that it names only known tables and no gap between months.

    Raises:
        InvalidInput: it is missing, cannot be read, or lacks a month between two others.
    """
    shown = f"data/raw/{MANIFEST}"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        named = {str(name): {"rows": int(of["rows"]), "sha256": str(of["sha256"])} for name, of in manifest.items()}
    except FileNotFoundError as err:
        raise InvalidInput(shown, "it is missing", REMEDY) from err
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise InvalidInput(shown, "it is not a manifest of rows and sha256", REMEDY) from err
    for name in named:
        if name.split("/")[0].removesuffix(".csv") not in COLUMNS:
            raise InvalidInput(shown, f"it names {name!r}, which belongs to no table", REMEDY)
    for table in MONTHLY:
        _refuse_gaps(table, sorted(name for name in named if name.startswith(f"{table}/")))
    return named


def _files(tables: dict[str, pl.DataFrame]) -> Iterator[tuple[str, pl.DataFrame]]:
    for table in MONTHLY:
        for (year, month), frame in tables[table].group_by("year", "month", maintain_order=True):
            yield f"{table}/{year}-{month:02d}.csv", frame
    for table in WHOLE:
        yield f"{table}.csv", tables[table]


def _refuse_gaps(table: str, names: list[str]) -> None:
    months = [int(name[-11:-7]) * 12 + int(name[-6:-4]) for name in names]
    for name, month, following in zip(names, months, months[1:], strict=False):
        if following != month + 1:
            raise InvalidInput(f"data/raw/{table}", f"the month after {name[-11:-4]} is missing", REMEDY)


def _refuse_unknown(folder: Path, manifest: dict[str, dict[str, Any]]) -> None:
    present = {file.relative_to(folder).as_posix() for file in folder.rglob("*.csv")}
    for name in sorted(present - manifest.keys()):
        raise InvalidInput(f"data/raw/{name}", "the manifest does not name it", f"Remove it. {REMEDY}")


def _read_checked(folder: Path, name: str, agreed: dict[str, Any]) -> pl.DataFrame:
    shown, file = f"data/raw/{name}", folder / name
    if not file.is_file():
        raise InvalidInput(shown, "it is missing, but the manifest names it", REMEDY)
    if sha256_of(file) == agreed["sha256"]:
        return parse_csv(file.read_bytes(), name.split("/")[0].removesuffix(".csv"), shown)
    lines = file.read_bytes().count(b"\n") - 1
    if lines != agreed["rows"]:
        raise InvalidInput(shown, f"it has {lines} rows where the manifest says {agreed['rows']}", REMEDY)
    raise InvalidInput(shown, "its rows were reordered or altered: their sha256 is not the manifest's", REMEDY)
