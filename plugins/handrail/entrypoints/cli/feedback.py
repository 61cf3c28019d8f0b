"""`handrail feedback`: what the log holds, snapshots and their labels."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback import open_spool
from handrail.entrypoints.cli import (
    feedback_compact,
    feedback_mirror,
    feedback_quarantine,
    feedback_queue,
    feedback_status,
)
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows, read_moment, results
from handrail.errors import InvalidInput
from handrail.feedback import Snapshot

ONLY_IDS = "; its digest covers ids only, so that an altered label is not noticed: take a new one"

app = typer.Typer(
    no_args_is_help=True,
    help="Predictions, their outcomes, and snapshots of both.",
    epilog="Example: handrail feedback status",
)

app.add_typer(feedback_quarantine.app, name="quarantine")
app.command("mirror", epilog=feedback_mirror.EXAMPLE)(feedback_mirror.mirror)
app.add_typer(feedback_queue.app, name="queue")
app.command("compact", epilog=feedback_compact.EXAMPLE)(feedback_compact.compact)


@app.command("status", epilog="Example: handrail feedback status --json")
def show_status(as_json: AsJson = False) -> None:
    """Show how much is recorded, how fast, how late and how completely outcomes come, and what is in quarantine.

    Rates, coverage, delays and figures come from the newest rows and from a sample, so that they take as long for a log
    of any size.
    """
    with open_records() as platform:
        log = platform.feedback
        status, snapshots, quarantined = log.status(), log.snapshots(), log.quarantined()
        now, waiting = platform.event_clock(), open_spool(platform.settings).waiting()
        health = log.health(now)
    if as_json:
        return print_json(
            asdict(status)
            | {
                "orphan_share": status.orphan_share,
                "snapshot_list": [_plain(snapshot) for snapshot in snapshots],
                "quarantined": [asdict(each) for each in quarantined],
                "health": feedback_status.as_json(health, waiting, now),
            }
        )
    counts = [(name, f"{number:,}") for name, number in asdict(status).items()]
    print_rows([*counts, ("orphan share", f"{status.orphan_share:.2%}")])
    feedback_status.show(health, waiting, now)
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
