"""What happens after go-live: here what the table holds of it. Without recorded data there is nothing to replay."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.feature_tables import write_tables
from flows.steps.data.table import SOURCE, USE_CASE, label_values, read_source, with_day
from flows.steps.project.outputs import make_once
from flows.steps.project.params import read_params
from handrail.errors import Misconfigured
from handrail.files import sha256_of
from handrail.settings import Settings

MADE_BY = ("feature_tables.py", "live.py", "table.py")


@dataclass(frozen=True)
class Live:
    """`rows` after go-live, one a subject, ordered by event time and subject; their labels are null if never known.

    `features` is a folder of feature tables over the whole time; `identity` names its content.
    """

    rows: pl.DataFrame
    features: Path
    identity: str


def open_live(settings: Settings) -> Live:
    """Make the feature tables of the whole time under home/live/features, unless they are there already.

    Raises:
        Misconfigured: config/use_case.yaml has no `replay`.
    """
    if USE_CASE.replay is None:
        raise Misconfigured("config/use_case.yaml", "it has no 'replay'", "Say until when the table stands in for it.")
    rows = with_day(_without_quarantined(settings.project, read_source(settings.project, USE_CASE)), USE_CASE)
    place = settings.home / "live" / "features"
    identity = _identity(settings.project)
    until = USE_CASE.replay.until
    make_once(place, {"identity": identity}, partial(write_tables, rows, until, USE_CASE))
    go_live = read_params(settings.project).go_live
    event = pl.col(USE_CASE.time.event)
    after = rows.filter((event >= go_live) & (event < until)).with_columns(label_values(USE_CASE))
    return Live(after.sort(USE_CASE.time.event, USE_CASE.subject.column), place, identity)


def request_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked about a row, as JSON holds it: nothing that is known only later."""
    return {name: _plain(row[name]) for name in USE_CASE.request}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _without_quarantined(project: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out what the stage `validate` set aside; what came later flows in unchecked, as a live feed does."""
    file = _quarantine(project)
    subject = USE_CASE.subject.column
    return rows.join(pl.read_parquet(file, columns=[subject]), on=subject, how="anti") if file.is_file() else rows


def _quarantine(project: Path) -> Path:
    return project / "data" / "quarantine" / f"{USE_CASE.subject.many}.parquet"


def _identity(project: Path) -> str:
    """Digest what the feature tables are made from: the table, what was set aside, and the code."""
    files = [project / SOURCE, *(Path(__file__).parent / name for name in MADE_BY)]
    files += [file for file in (_quarantine(project),) if file.is_file()]
    facts = {file.name: sha256_of(file) for file in files} | {"until": str(USE_CASE.replay)}
    return f"sha256:{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}"
