"""`handrail acquire`: read the tables of config/sources.yaml, from where the last run ended, or follow a stream."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.acquisition import Acquired, Taken
from handrail.bootstrap.acquisition import open_acquiring, read_tables
from handrail.bootstrap.acquisition_files import Written, record_folder, write_acquired
from handrail.bootstrap.acquisition_following import Wanted, open_following
from handrail.clock import parse_moment
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.entrypoints.cli.stopping import until_asked
from handrail.errors import InvalidInput, Refused
from handrail.settings import Settings, load_settings

EXAMPLE = "Example: handrail acquire orders"
EACH = 100_000
EVERY_S = 300.0
Every = Annotated[float | None, typer.Option("--every", min=0.1, help="With --follow: seconds between files; 300.")]


def acquire(  # noqa: PLR0913 - typer reads the options from the signature
    tables: Annotated[list[str] | None, typer.Argument(help="Tables of config/sources.yaml; all if left out.")] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Take what still fits where the columns of a source changed.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--to", help="A folder for a Parquet file a table.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Write what was known at this moment, for --to.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Read one stream until SIGTERM or Ctrl-C; --to is a folder of files then.")
    ] = False,
    push: Annotated[str | None, typer.Option("--push", help="With --follow: a push source of Feast.")] = None,
    repository: Annotated[Path, typer.Option("--feature-repo", help="The folder of --push.")] = Path("feature_repo"),
    every: Every = None,
    as_json: AsJson = False,
) -> None:
    """Read what is new at the sources of config/sources.yaml; a run that was stopped is gone on with.

    With --follow readings of a stream are online within a second or two, and acknowledged once they are on the disk.
    """
    settings, moment = load_settings(), _moment(as_of)
    if follow:
        name = _only(tables)
        if moment is not None:
            raise InvalidInput("--as-of", "what is followed is known since it comes", "Leave it out, or --follow.")
        wanted = Wanted(push, repository, to, timedelta(seconds=every or EVERY_S), go_on)
        return _follow(settings, name, wanted, as_json)
    _refuse_without_follow({"--push": push, "--every": every})
    facts = []
    for name in tables or list(read_tables(settings).tables):
        found = _acquire(settings, name, to, moment, go_on)
        if found is None:
            _message(f"{name}: another process follows this table, so nothing of it is read here.")
            continue
        acquired, written = found
        facts.append(_facts(acquired) | ({"written": asdict(written)} if written else {}))
        if not as_json:
            _say(acquired, written)
    if to is not None and any("written" in each for each in facts):
        record_folder(settings, to)
    if as_json:
        print_json(facts)
    return None


def _acquire(
    settings: Settings, name: str, to: Path | None, moment: datetime | None, go_on: bool
) -> tuple[Acquired, Written | None] | None:
    """Read what is new and write it; return nothing where another process follows the table."""
    with ExitStack() as opened:
        try:
            acquiring = opened.enter_context(open_acquiring(settings, name, Progress(name), go_on=go_on))
        except Refused:
            return None
        acquired = acquiring.run()
        if to is None:
            return acquired, None
        if acquiring.store.table(acquiring.table.name) is None:
            _message(f"{name}: nothing came yet, so no file is written.")
            return acquired, None
        return acquired, write_acquired(settings, acquiring, to / f"{acquiring.table.name}.parquet", moment)


def _refuse_without_follow(options: Mapping[str, object]) -> None:
    for option, given in options.items():
        if given is not None:
            raise InvalidInput(option, "it is for what is followed", "Add --follow, or leave it out.")


def _only(tables: list[str] | None) -> str:
    if tables is None or len(tables) != 1:
        raise InvalidInput("--follow", "one command follows one stream", "Name one table: handrail acquire NAME.")
    return tables[0]


def _follow(settings: Settings, name: str, wanted: Wanted, as_json: bool) -> None:
    progress = Progress(name)
    with until_asked() as stopping, open_following(settings, name, wanted, _message, progress, stopping) as following:
        messages.print(f"Following {following.acquiring.source.name}", highlight=False, markup=False)
        taken = following.run()
    if as_json:
        print_json({"table": name, "taken": asdict(taken)})
        return
    results.print(f"{name}: {_counts(taken)}", highlight=False, markup=False)


def _message(sentence: str) -> None:
    messages.print(sentence, highlight=False, markup=False)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as err:
        raise InvalidInput("--as-of", f"{text!r} is no moment", "Write one such as 2026-11-30T10:00:00Z.") from err


class Progress:
    """Says every 100,000 rows how far it is: what is large takes long."""

    def __init__(self, table: str) -> None:
        self._table, self._next = table, EACH

    def __call__(self, taken: Taken) -> None:
        """Say it, if another 100,000 rows were read."""
        read = taken.new + taken.corrected + taken.repeated + taken.aside
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
        "taken": asdict(acquired.taken),
        "changes": [str(each) for each in acquired.changes],
    }


def _say(acquired: Acquired, written: Written | None) -> None:
    manifest, taken = acquired.manifest, acquired.taken
    results.print(
        f"{manifest.table}: {_counts(taken)}; {manifest.rows:,} rows in all",
        highlight=False,
        markup=False,
    )
    for reason, count in acquired.quarantine.items():
        results.print(f"  set aside so far: {count:,} because {reason}", highlight=False, markup=False)
    if written:
        results.print(f"  {written.path}: {written.rows:,} rows", highlight=False, markup=False)
    for change in acquired.changes:
        messages.print(f"  at the source {change}", highlight=False, markup=False)


def _counts(taken: Taken) -> str:
    return (
        f"{taken.new:,} new rows, {taken.corrected:,} corrected, {taken.repeated:,} there already, "
        f"{taken.aside:,} set aside"
    )
