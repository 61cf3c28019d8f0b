"""`handrail feedback snapshot`: fixes what is known, lists what a snapshot was made from, and compares two of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from handrail.bootstrap import open_records
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows, read_moment, results
from handrail.errors import InvalidInput
from handrail.feedback import CHANGES, Snapshot, SnapshotChange, Tally
from handrail.files import replacing

ONLY_IDS = "; its digest covers ids only, so that an altered label is not noticed: take a new one"
REMEDY = "Free the disk or name another file."
SHOWN = 20


class TakeUnlessNamed(TyperGroup):
    """`snapshot ground_truth ...` is `snapshot take ground_truth ...`: it was the one command here at first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `take` before what names no command."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["take", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=TakeUnlessNamed,
    no_args_is_help=True,
    help="What was known at a moment, under a name: take one, list what it holds, compare two.",
    epilog="Example: handrail feedback snapshot ground_truth --from 2013-08-01T04:00Z --until 2013-09-01T04:00Z",
)
Digest = Annotated[str, typer.Argument(help="The snapshot's digest, as `snapshot` and `status` print it.")]


@app.command(
    "take",
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
        print_json(as_json_of(snapshot))
    else:
        results.print(in_words(snapshot), highlight=False)


@app.command("show", epilog="Example: handrail feedback snapshot show sha256:1f0c... --ids ids.ndjson")
def show_snapshot(
    digest: Digest,
    ids: Annotated[
        Path | None, typer.Option("--ids", help="Write the ids of its predictions and events here, one a line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a snapshot is about, and with --ids which predictions and events it was made from."""
    with open_records() as platform:
        snapshot, written = platform.feedback.find_snapshot(digest), 0
        if ids is not None:
            with _lines(ids) as file:
                for each in platform.feedback.snapshot_ids(digest):
                    file.write(json.dumps(asdict(each), ensure_ascii=False) + "\n")
                    written += 1
    if as_json:
        return print_json(as_json_of(snapshot) | ({"ids": str(ids), "ids_written": written} if ids else {}))
    results.print(in_words(snapshot), highlight=False)
    if ids is not None:
        messages.print(f"Wrote {written:,} ids to {ids}; the digest fits them.", highlight=False)
    return None


@app.command("diff", epilog="Example: handrail feedback snapshot diff sha256:1f0c... sha256:77a0...")
def compare_snapshots(
    before: Digest,
    after: Digest,
    rows: Annotated[Path | None, typer.Option("--rows", help="Write every change here, as JSON, one a line.")] = None,
    most: Annotated[int, typer.Option("--most", min=0, help="How many changes are shown.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """Show why the figures of two snapshots differ: predictions that one has alone, and labels that changed."""
    with open_records() as platform:
        taken = [platform.feedback.find_snapshot(each) for each in (before, after)]
        tally, shown = _read(platform.feedback.snapshot_changes(before, after), rows, most)
    if as_json:
        head = {"before": as_json_of(taken[0]), "after": as_json_of(taken[1]), "rules": _rules(*taken)}
        counts = {"changes": tally.changes, "counts": tally.counts()}
        return print_json(head | counts | {"rows": list(map(_row, shown))})
    for each in taken:
        results.print(in_words(each), highlight=False)
    for name, (one, other) in _rules(*taken).items():
        results.print(f"{name} was {one} and is {other}.", highlight=False, markup=False)
    print_rows([("predictions that differ", f"{tally.changes:,}"), *_counted(tally)])
    for change in shown:
        results.print(_sentence_of(change), highlight=False, markup=False)
    if tally.changes > len(shown) > 0:
        messages.print(f"{tally.changes - len(shown):,} more: write all with --rows.")
    return None


def _read(changes: Iterable[SnapshotChange], rows: Path | None, most: int) -> tuple[Tally, list[SnapshotChange]]:
    """Count all changes, write them if a file is named, and return the first of them."""
    tally, shown = Tally(), list[SnapshotChange]()
    with _lines(rows) as file:
        for change in changes:
            tally.add(change)
            if len(shown) < most:
                shown.append(change)
            if file is not None:
                file.write(json.dumps(_row(change), ensure_ascii=False) + "\n")
    return tally, shown


def _counted(tally: Tally) -> Iterable[tuple[str, str]]:
    return [(f"{why}: {CHANGES[why]}", f"{count:,}") for why, count in tally.counts().items()]


@contextmanager
def _lines(path: Path | None) -> Iterator[Any]:
    """Yield a file for lines, which takes its name when all is written; None without a path."""
    if path is None:
        yield None
        return
    with replacing(path, remedy=REMEDY) as beside, beside.open("w", encoding="utf-8") as file:
        yield file


def _rules(before: Snapshot, after: Snapshot) -> dict[str, tuple[str, str]]:
    """Return what differs in scope and in the rules of the kind, each as text."""
    found = {}
    for one, other in ((before.scope, after.scope), (before.kind, after.kind)):
        for each in fields(one):
            values = [str(getattr(part, each.name)) for part in (one, other)]
            if values[0] != values[1]:
                found[each.name] = (values[0], values[1])
    return found


def _row(change: SnapshotChange) -> dict[str, Any]:
    return asdict(change) | {"made_at": change.made_at.isoformat(), "new_events": change.new_events}


def _sentence_of(change: SnapshotChange) -> str:
    labels = [None if each is None else each.label for each in (change.before, change.after)]
    said = ["not counted" if label is None else f"{label:g}" for label in labels]
    events = f"; new events: {', '.join(change.new_events[:3])}" if change.new_events else ""
    return f"{change.prediction_id} ({change.subject}): {', '.join(change.why)}; label {said[0]} to {said[1]}{events}"


def as_json_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return what a snapshot is about as JSON values."""
    scope = snapshot.scope
    moments = {name: getattr(scope, name).astimezone(UTC).isoformat() for name in ("start", "end", "as_of")}
    covers = {"covers": snapshot.covers}
    counts = {"predictions": snapshot.predictions, "events": snapshot.events}
    return {"digest": snapshot.digest, "uri": snapshot.uri, "kind": scope.kind, **moments, **counts} | covers


def in_words(snapshot: Snapshot) -> str:
    """Say what a snapshot is about."""
    scope = snapshot.scope
    window = f"{scope.start.astimezone(UTC):%Y-%m-%dT%H:%MZ} to {scope.end.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    limit = "" if snapshot.covers == "bodies" else ONLY_IDS
    return (
        f"{snapshot.digest}: {scope.kind}, {window}, as of {scope.as_of.astimezone(UTC):%Y-%m-%dT%H:%MZ}, "
        f"{snapshot.predictions:,} predictions, {snapshot.events:,} events{limit}"
    )
