"""`handrail acquire`: read the tables of config/sources.yaml, from where the last run ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from handrail.acquisition import Acquired, Landed
from handrail.bootstrap.acquisition import open_acquiring, read_tables
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.settings import load_settings

EXAMPLE = "Example: handrail acquire orders"
EACH = 100_000


def acquire(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables of config/sources.yaml; all if left out.")] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Take what still fits where the columns of a source changed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read what is new at the sources of config/sources.yaml; a run that was stopped is gone on with."""
    settings = load_settings()
    facts = []
    for name in tables or list(read_tables(settings).tables):
        with open_acquiring(settings, name, Progress(name), go_on=go_on) as acquiring:
            acquired = acquiring.run()
        facts.append(_facts(acquired))
        if not as_json:
            _say(acquired)
    if as_json:
        print_json(facts)


class Progress:
    """Says every 100,000 rows how far it is: what is large takes long."""

    def __init__(self, table: str) -> None:
        self._table, self._next = table, EACH

    def __call__(self, landed: Landed) -> None:
        """Say it, if another 100,000 rows were read."""
        read = landed.new + landed.corrected + landed.repeated + landed.aside
        if read >= self._next:
            self._next = (read // EACH + 1) * EACH
            messages.print(f"{self._table}: {read:,} rows read", highlight=False)


def _facts(acquired: Acquired) -> dict[str, Any]:
    return {
        "table": acquired.manifest.table,
        "source": acquired.manifest.source,
        "rows": acquired.manifest.rows,
        "digest": acquired.manifest.digest,
        "known_at": acquired.known_at.isoformat() if acquired.known_at else None,
        "watermark": acquired.watermark,
        "quarantine": dict(acquired.quarantine),
        "landed": asdict(acquired.landed),
        "changes": [str(each) for each in acquired.changes],
    }


def _say(acquired: Acquired) -> None:
    manifest, landed = acquired.manifest, acquired.landed
    results.print(
        f"{manifest.table}: {landed.new:,} new rows, {landed.corrected:,} corrected, {landed.repeated:,} there "
        f"already, {landed.aside:,} set aside; {manifest.rows:,} rows in all",
        highlight=False,
        markup=False,
    )
    for reason, count in acquired.quarantine.items():
        results.print(f"  set aside so far: {count:,} because {reason}", highlight=False, markup=False)
    for change in acquired.changes:
        messages.print(f"  at the source {change}", highlight=False, markup=False)
