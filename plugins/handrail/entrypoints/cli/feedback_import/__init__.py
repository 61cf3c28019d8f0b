"""`handrail feedback import`: predictions and feedback from a file, whatever its form and its columns are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from handrail.entrypoints.cli.feedback_import.columns import FIELDS, Options
from handrail.entrypoints.cli.feedback_import.importing import Import
from handrail.entrypoints.cli.feedback_import.opened import open_rows
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.errors import InvalidInput

EXAMPLE = "Example: handrail feedback import outcomes.csv --kind ground_truth --source erp --map value=late"
LOOK = "Look at them with `handrail feedback quarantine list`."

File = Annotated[
    str,
    typer.Argument(help="CSV, NDJSON or Parquet, also packed by gzip or zstd; - is stdin. With a score: predictions."),
]
Map = Annotated[list[str], typer.Option("--map", help="FIELD=COLUMN where the file calls it otherwise; repeatable.")]
Set = Annotated[list[str], typer.Option("--set", help="FIELD=VALUE for what every row has in common; repeatable.")]
OfKind = Annotated[str | None, typer.Option("--kind", help="The same as --set kind=...")]
Source = Annotated[str | None, typer.Option("--source", help="Who reports it; the same as --set source=...")]
Zone = Annotated[str | None, typer.Option("--zone", help="Zone of moments that name none, such as Europe/Berlin.")]
Form = Annotated[str | None, typer.Option("--format", help="ndjson, csv or parquet; by name or content if unset.")]


def import_rows(  # noqa: PLR0913 - typer reads the options from the signature
    file: File,
    named: Map = [],  # noqa: B006
    fixed: Set = [],  # noqa: B006
    kind: OfKind = None,
    source: Source = None,
    zone: Zone = None,
    form: Form = None,
    as_json: AsJson = False,
) -> None:
    """Record the feedback and predictions of a file. Importing it again changes nothing; interrupted, it goes on.

    Rows that cannot be recorded are set aside and named by line; the others are recorded. Exit code 1: there were some.
    """
    constants = [*fixed, *(f"{name}={text}" for name, text in (("kind", kind), ("source", source)) if text is not None)]
    options = Options(_pairs("--map", named), _pairs("--set", constants), None if zone is None else _zone(zone))
    both = options.named.keys() & options.fixed.keys()
    if both:
        raise InvalidInput("--map", f"{min(both)} is given by a column and by a constant", "Give one of them.")
    open_rows(file, form).close() if file != "-" else None
    with open_to_record() as platform:
        counts = Import(platform, file, form, options).run()
    if as_json:
        print_json(asdict(counts))
    else:
        results.print(f"{counts.accepted:,} recorded, {counts.repeated:,} known already.")
    if counts.conflict_count:
        messages.print(f"{counts.conflict_count:,} ids came before with another body. {LOOK}")
    if counts.refused_count:
        messages.print(f"{counts.refused_count:,} lines are set aside. {LOOK}")
    if counts.conflict_count or counts.refused_count:
        raise typer.Exit(1)


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        field, is_pair, value = text.partition("=")
        if not is_pair or not value or field not in FIELDS:
            raise InvalidInput(
                option, f"{text!r} names no field", f"Write FIELD=...; fields: {', '.join(sorted(FIELDS))}."
            )
        if found.setdefault(field, value) != value:
            raise InvalidInput(option, f"{field} is given twice", "Give it once.")
    return found


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise InvalidInput("--zone", f"{text!r} is not a time zone", "Write it as UTC or Europe/Berlin.") from err
