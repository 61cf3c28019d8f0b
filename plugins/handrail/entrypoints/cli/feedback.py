"""`handrail feedback`: what the log holds, snapshots and their labels."""

from __future__ import annotations

from dataclasses import asdict

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback import open_spool
from handrail.entrypoints.cli import (
    feedback_compact,
    feedback_consume,
    feedback_export,
    feedback_mirror,
    feedback_quarantine,
    feedback_queue,
    feedback_snapshot,
    feedback_status,
)
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows, results

app = typer.Typer(
    no_args_is_help=True,
    help="Predictions, their outcomes, and snapshots of both.",
    epilog="Example: handrail feedback status",
)

app.add_typer(feedback_quarantine.app, name="quarantine")
app.command("mirror", epilog=feedback_mirror.EXAMPLE)(feedback_mirror.mirror)
app.add_typer(feedback_queue.app, name="queue")
app.add_typer(feedback_snapshot.app, name="snapshot")
app.command("compact", epilog=feedback_compact.EXAMPLE)(feedback_compact.compact)
app.command("export", epilog=feedback_export.EXAMPLE)(feedback_export.export_labels)
app.command("consume", epilog=feedback_consume.EXAMPLE)(feedback_consume.consume)


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
                "snapshot_list": [feedback_snapshot.as_json_of(snapshot) for snapshot in snapshots],
                "quarantined": [asdict(each) for each in quarantined],
                "health": feedback_status.as_json(health, waiting, now),
            }
        )
    counts = [(name, f"{number:,}") for name, number in asdict(status).items()]
    print_rows([*counts, ("orphan share", f"{status.orphan_share:.2%}")])
    feedback_status.show(health, waiting, now)
    for snapshot in snapshots:
        results.print(feedback_snapshot.in_words(snapshot), highlight=False)
    for each in quarantined:
        results.print(f"in quarantine: {each.what} {each.identifier} ({each.quarantined_at:%Y-%m-%d %H:%M}Z)")
    return None
