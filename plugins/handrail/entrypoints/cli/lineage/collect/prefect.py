"""`handrail lineage collect prefect`: what ran, its assets and events, and which runs left no lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from handrail.bootstrap import Platform, open_records
from handrail.bootstrap.lineage_doctor import open_run_census
from handrail.clock import system_time
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, read_moment
from handrail.entrypoints.prefect.collect.archive import EventArchive
from handrail.entrypoints.prefect.collect.gaps import Gap, find_gaps
from handrail.entrypoints.prefect.collect.reading import PrefectApi, find_api
from handrail.entrypoints.prefect.collect.recording import record_runs
from handrail.entrypoints.prefect.collect.values import PrefectRun
from handrail.lineage import RunSummary
from handrail.settings import make_home

KEPT_THERE = timedelta(days=7)

Since = Annotated[str | None, typer.Option("--since", help="ISO 8601 moment; a week ago if left out.")]
Flows = Annotated[list[str] | None, typer.Option("--flow", help="Only runs of this flow; may be repeated.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="With --check: only runs with this tag; repeatable.")]
Api = Annotated[str | None, typer.Option("--api-url", help="Prefect's interface; else PREFECT_API_URL.")]
Check = Annotated[bool, typer.Option("--check", help="Record nothing; list the completed runs that left no lineage.")]


def collect_prefect(  # noqa: PLR0913 - one argument for each option
    since: Since = None,
    flow: Flows = None,
    tag: Tags = None,
    api_url: Api = None,
    check: Check = False,
    as_json: AsJson = False,
) -> None:
    """Record runs and assets and keep Prefect's events, which it drops after a week; exit 1 if some are refused.

    With --check exit 1 if a completed run left no record, or one without inputs and outputs.
    """
    begin = read_moment("--since", since) if since else system_time() - KEPT_THERE
    opened = open_records() if check else open_to_record()
    with opened as platform, closing(PrefectApi(find_api(platform.settings, api_url))) as api:
        if check:
            _report(find_gaps(api.runs(begin, flow or ()), lambda runs: _held(platform, runs), tag or ()), as_json)
        else:
            _collect(platform, api, begin, flow or (), as_json)


def _collect(platform: Platform, api: PrefectApi, begin: datetime, flows: Sequence[str], as_json: bool) -> None:
    archive = EventArchive(make_home(platform.settings) / "prefect-events")
    events = archive.add(api.events(begin))
    seen = api.runs(begin, flows)
    refused = record_runs(platform.lineage, platform.settings.environment, seen, archive.assets())
    found = {"flow_runs": len(seen.flow_runs), "task_runs": len(seen.task_runs), "new_events": events}
    if as_json:
        print_json({**found, "refused": refused})
    else:
        typer.echo(
            f"Recorded {len(seen.flow_runs):,} flow runs and {len(seen.task_runs):,} task runs; "
            f"kept {events:,} new events."
        )
        for sentence in refused:
            messages.print(f"Left out: {sentence}", markup=False)
    if refused:
        raise typer.Exit(1)


def _held(platform: Platform, runs: Sequence[PrefectRun]) -> Mapping[str, RunSummary]:
    ids = {run.uri(platform.settings.environment): run.run_id for run in runs}
    return {ids[uri]: held for uri, held in open_run_census(platform.store).runs(list(ids)).items()}


def _report(gaps: Sequence[Gap], as_json: bool) -> None:
    if as_json:
        print_json([asdict(gap) for gap in gaps])
    for gap in gaps if not as_json else ():
        typer.echo(f"{gap.problem} ({gap.run_id})")
    if not gaps and not as_json:
        typer.echo("Every completed run left its lineage.")
    if gaps:
        raise typer.Exit(1)
