"""The files in data/raw: the table, a file a month, and a manifest that names each by rows and sha256."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.table import USE_CASE, with_day
from flows.steps.project.outputs import write_json, write_parquet
from handrail.errors import InvalidInput
from handrail.files import sha256_of

MANIFEST = "manifest.json"
REMEDY = "Restore it with `dvc checkout data/raw`, or make it again with `dvc repro --force acquire`."


def write_raw(rows: pl.DataFrame, folder: Path) -> None:
    """Write the rows below `folder`, a file a month in their order, and the manifest."""
    month = with_day(rows, USE_CASE).get_column(USE_CASE.time.day).dt.strftime("%Y-%m")
    manifest: dict[str, dict[str, Any]] = {}
    for name in month.unique().sort():
        file = f"{USE_CASE.subject.many}/{name}.parquet"
        part = rows.filter(month == name)
        write_parquet(part, folder / file)
        manifest[file] = {"rows": part.height, "sha256": sha256_of(folder / file)}
    write_json(folder / MANIFEST, manifest)


def read_raw(folder: Path) -> dict[str, pl.DataFrame]:
    """Read the table after checking each file against the manifest.

    Raises:
        InvalidInput: a file is missing, altered or not in the manifest; the sentence names it.
    """
    manifest = _read_manifest(folder)
    for name in sorted({file.relative_to(folder).as_posix() for file in folder.rglob("*.parquet")} - manifest.keys()):
        raise InvalidInput(f"data/raw/{name}", "the manifest does not name it", f"Remove it. {REMEDY}")
    parts = []
    for name in sorted(manifest):
        if not (folder / name).is_file():
            raise InvalidInput(f"data/raw/{name}", "it is missing, but the manifest names it", REMEDY)
        if sha256_of(folder / name) != manifest[name]:
            raise InvalidInput(f"data/raw/{name}", "its sha256 is not the manifest's", REMEDY)
        parts.append(pl.read_parquet(folder / name))
    return {USE_CASE.subject.many: pl.concat(parts)}


def _read_manifest(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file."""
    shown = f"data/raw/{MANIFEST}"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        named = {str(name): str(of["sha256"]) for name, of in manifest.items()}
    except FileNotFoundError as err:
        raise InvalidInput(shown, "it is missing", REMEDY) from err
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise InvalidInput(shown, "it is not a manifest of rows and sha256", REMEDY) from err
    if not named:
        raise InvalidInput(shown, "it names no file", REMEDY)
    return named
