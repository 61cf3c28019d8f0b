"""`handrail lineage forward`: send queued events to other lineage systems."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.lineage_events import open_forwarder
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.lineage import Forwarded, Forwarder

IDLE_S = 1.0
LONGEST_PAUSE_S = 60.0

Sink = Annotated[str | None, typer.Option("--sink", help="Only this one of config/lineage.yaml.")]


def forward(
    sink: Sink = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C, waiting for receivers.")] = False,
    retry: Annotated[bool, typer.Option("--retry-refused", help="First queue again what was refused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the events that wait for each sink, oldest first; exit 1 if some still wait or were refused."""
    with ExitStack() as opened:
        # Whoever follows may be there before the first record.
        platform = opened.enter_context(open_to_record() if follow else open_records())
        forwarder = opened.enter_context(closing(open_forwarder(platform.settings, platform.store)))
        sinks = [sink] if sink else list(forwarder.sinks)
        if retry:
            for each in sinks:
                forwarder.retry(each)
        if follow:
            _follow(forwarder, sinks)
        _report(forwarder, [forwarder.forward(each) for each in sinks], as_json)


def _report(forwarder: Forwarder, passes: list[Forwarded], as_json: bool) -> None:
    lengths = forwarder.lengths()
    if as_json:
        print_json({"passes": [asdict(one) for one in passes], "queues": [asdict(one) for one in lengths]})
    else:
        _print_passes(passes)
        for one in lengths:
            typer.echo(f"{one.sink}: {one.waiting:,} wait, {one.refused:,} refused")
        if not passes:
            typer.echo("No sinks: name them in config/lineage.yaml.")
    if any(one.stopped or one.refused for one in passes):
        raise typer.Exit(1)


def _print_passes(passes: Iterable[Forwarded]) -> None:
    for one in passes:
        if one.sent or one.refused or one.stopped:
            ending = f"; stopped: {one.stopped}" if one.stopped else ""
            messages.print(f"{one.sink}: {one.sent:,} sent, {one.refused:,} refused{ending}", markup=False)


def _follow(forwarder: Forwarder, sinks: list[str]) -> None:
    pauses, due = dict.fromkeys(sinks, IDLE_S), dict.fromkeys(sinks, 0.0)
    while True:
        for each in sinks:
            if time.monotonic() < due[each]:
                continue
            done = forwarder.forward(each)
            _print_passes([done])
            pauses[each] = min(2 * pauses[each], LONGEST_PAUSE_S) if done.stopped else IDLE_S
            due[each] = time.monotonic() + pauses[each]
        time.sleep(IDLE_S)
