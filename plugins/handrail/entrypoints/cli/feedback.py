"""`handrail feedback`: what the log holds, snapshots and their labels, and events from a file."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from handrail.bootstrap import Platform, open_records
from handrail.entrypoints.cli import feedback_compact, feedback_quarantine
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows, read_moment, results
from handrail.entrypoints.http.feedback_messages import read_line
from handrail.errors import InvalidInput
from handrail.feedback import Feedback, FeedbackLog, Prediction, Receipt, Rejected, Snapshot

CHUNK = 10_000
MOST_NAMED = 20
"""How many lines that were set aside are named."""
LOOK = "Look at them with `handrail feedback quarantine list`."
Row = Prediction | Feedback | Rejected
ONLY_IDS = "; its digest covers ids only, so that an altered label is not noticed: take a new one"
BYTE_ORDER_MARK = "\ufeff"

app = typer.Typer(
    no_args_is_help=True,
    help="Predictions, their outcomes, and snapshots of both.",
    epilog="Example: handrail feedback status",
)

app.add_typer(feedback_quarantine.app, name="quarantine")
app.command("compact", epilog=feedback_compact.EXAMPLE)(feedback_compact.compact)


@app.command("status", epilog="Example: handrail feedback status --json")
def show_status(as_json: AsJson = False) -> None:
    """Show how much is recorded, feedback without a prediction, conflicts in quarantine, and snapshots."""
    with open_records() as platform:
        log = platform.feedback
        status, snapshots, quarantined = log.status(), log.snapshots(), log.quarantined()
    if as_json:
        return print_json(
            asdict(status)
            | {
                "orphan_share": status.orphan_share,
                "snapshot_list": [_plain(snapshot) for snapshot in snapshots],
                "quarantined": [asdict(each) for each in quarantined],
            }
        )
    counts = [(name, f"{number:,}") for name, number in asdict(status).items()]
    print_rows([*counts, ("orphan share", f"{status.orphan_share:.2%}")])
    for snapshot in snapshots:
        results.print(_sentence(snapshot), highlight=False)
    for each in quarantined:
        results.print(f"in quarantine: {each.what} {each.identifier} ({each.quarantined_at:%Y-%m-%d %H:%M}Z)")
    return None


@app.command(
    "snapshot",
    epilog="Example: handrail feedback snapshot ground_truth --from 2013-08-01T04:00Z --until 2013-09-01T04:00Z",
)
def take_snapshot(
    kind: Annotated[str, typer.Argument(help="The kind of feedback.")],
    start: Annotated[str, typer.Option("--from", help="First moment of the predictions; UTC without a zone.")],
    end: Annotated[str, typer.Option("--until", help="First moment after them.")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="What was known then; event time now if unset.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fix what is known about the predictions of a time window, and print the digest that names it."""
    window = read_moment("--from", start), read_moment("--until", end)
    if not window[0] < window[1]:
        raise InvalidInput("--until", f"{end} is not after --from {start}", "Give a later moment.")
    with open_records() as platform:
        known = platform.event_clock() if as_of is None else read_moment("--as-of", as_of)
        snapshot = platform.feedback.snapshot(kind, *window, known)
    if as_json:
        print_json(_plain(snapshot))
    else:
        results.print(_sentence(snapshot), highlight=False)


@app.command("export", epilog="Example: handrail feedback export sha256:1f0c... data/labels-august.parquet")
def export_labels(
    digest: Annotated[str, typer.Argument(help="The snapshot's digest, as `snapshot` printed it.")],
    path: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write the mature labels of a snapshot as Parquet, each subject once; always the same bytes."""
    with open_records() as platform:
        snapshot = platform.feedback.export_snapshot(digest, path)
    if as_json:
        print_json(_plain(snapshot) | {"path": str(path)})
    else:
        results.print(f"Wrote {path} from {_sentence(snapshot)}", highlight=False)


@app.command("import", epilog="Example: handrail feedback import outcomes.ndjson")
def import_lines(
    file: Annotated[
        str, typer.Argument(help="NDJSON, one event a line (one with a score is a prediction); - is stdin.")
    ],
    as_json: AsJson = False,
) -> None:
    """Record the feedback and predictions of a file. Importing it again changes nothing.

    Lines that cannot be recorded are set aside and named; the others are recorded.
    """
    if file != "-" and not Path(file).is_file():
        raise InvalidInput("file", f"there is no file {file!r}", "Give the path of an NDJSON file, or - for stdin.")
    with (
        click.open_file(file, encoding=_encoding(file), errors="backslashreplace") as lines,
        open_to_record() as platform,
    ):
        receipt = _record(platform.feedback, _rows(platform, lines, file))
    if as_json:
        print_json(asdict(receipt))
    else:
        results.print(f"{receipt.accepted:,} recorded, {receipt.repeated:,} known already.")
    if receipt.conflicts:
        messages.print(f"{len(receipt.conflicts)} ids came before with another body. {LOOK}")
    if receipt.refused:
        messages.print(f"{len(receipt.refused):,} lines are set aside. {LOOK}")
    if receipt.conflicts or receipt.refused:
        raise typer.Exit(1)


def _encoding(file: str) -> str:
    """Return the encoding that a byte order mark at the beginning of a file names; UTF-8 without one."""
    if file == "-":
        return "utf-8"
    with Path(file).open("rb") as beginning:
        return "utf-16" if beginning.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"


def _rows(platform: Platform, lines: Iterable[str], file: str) -> Iterator[tuple[str, Row]]:
    """Yield where each row stands, and the row."""
    now, name = platform.event_clock(), "stdin" if file == "-" else Path(file).name
    for number, marked in enumerate(lines, 1):
        # Files that were joined have their marks within.
        line = marked.removeprefix(BYTE_ORDER_MARK)
        if line.strip():
            place = f"{name} line {number}"
            yield place, read_line(line, now, place)


def _record(log: FeedbackLog, rows: Iterator[tuple[str, Row]]) -> Receipt:
    """Record what is good, part by part, and name what is not by its line."""
    receipt = Receipt()
    while chunk := list(islice(rows, CHUNK)):
        places = [place for place, _ in chunk]
        found = log.receive([row for _, row in chunk], places)
        for refusal in found.refused[: max(MOST_NAMED - len(receipt.refused), 0)]:
            messages.print(f"{places[refusal.index]}: {refusal.problem}", highlight=False, markup=False)
        receipt += found
    return receipt


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    scope = snapshot.scope
    moments = {name: getattr(scope, name).astimezone(UTC).isoformat() for name in ("start", "end", "as_of")}
    covers = {"covers": snapshot.covers}
    counts = {"predictions": snapshot.predictions, "events": snapshot.events}
    return {"digest": snapshot.digest, "uri": snapshot.uri, "kind": scope.kind, **moments, **counts} | covers


def _sentence(snapshot: Snapshot) -> str:
    scope = snapshot.scope
    window = f"{scope.start.astimezone(UTC):%Y-%m-%dT%H:%MZ} to {scope.end.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    limit = "" if snapshot.covers == "bodies" else ONLY_IDS
    return (
        f"{snapshot.digest}: {scope.kind}, {window}, as of {scope.as_of.astimezone(UTC):%Y-%m-%dT%H:%MZ}, "
        f"{snapshot.predictions:,} predictions, {snapshot.events:,} events{limit}"
    )
