"""`handrail feedback compact`: the log's rows as Parquet, by day and deployment, for figures over many rows."""

from __future__ import annotations

from dataclasses import asdict

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback import open_compaction
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.feedback import Compacted

EXAMPLE = "Example: handrail feedback compact"


def compact(as_json: AsJson = False) -> None:
    """Copy new rows of the log into Parquet files by day and deployment, so that figures read columns.

    The log stays the record, and no figure changes. Run it as often as you like, from a timer for example; files that
    are missing or damaged are written again.
    """
    with open_records() as platform, messages.status("Nothing is written yet.") as shown:

        def show(done: Compacted) -> None:
            shown.update(f"{done.predictions + done.events:,} rows in {done.files:,} files")

        done = open_compaction(platform.settings, platform.store).run(show)
        folder = platform.settings.home / "feedback"
    if as_json:
        return print_json(asdict(done) | {"folder": str(folder)})
    new = f"{done.predictions:,} predictions and {done.events:,} events were new"
    results.print(f"{new}; {done.files:,} files written in {folder}.", highlight=False)
    if done.again:
        messages.print(f"{done.again:,} of them were missing or damaged before.")
    return None
