"""`handrail lineage collect mlflow`: runs, inputs, logged models, versions and aliases of any MLflow, by its client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from handrail.bootstrap import Platform
from handrail.bootstrap.lineage import find_repository_addresses
from handrail.clock import system_time
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, read_moment
from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.mlflow.collect import Naming
from handrail.entrypoints.mlflow.collect.clients import (
    REMEDY,
    find_limits_of_view,
    find_tracking_uri,
    name_server,
    open_client,
    open_digests,
)
from handrail.entrypoints.mlflow.collect.collecting import Collected, Collector, Wanted
from handrail.entrypoints.mlflow.collect.reading import LOST, Reader
from handrail.entrypoints.mlflow.collect.registry import UNCHANGED
from handrail.entrypoints.mlflow.collect.writing import Writer
from handrail.errors import Unavailable

COUNTED = {"runs": "run", "models": "model", "versions": "version", "aliases": "alias"}
Uri = Annotated[str | None, typer.Option("--tracking-uri", help="MLflow's server or store; else MLFLOW_TRACKING_URI.")]
Name = Annotated[str | None, typer.Option("--server-name", help="What to call it in URIs; else the project's MLflow.")]
Experiments = Annotated[list[str] | None, typer.Option("--experiment", help="Only of this one; may be repeated.")]
Since = Annotated[str | None, typer.Option("--since", help="Only what changed since this ISO 8601 moment.")]
Download = Annotated[bool, typer.Option("--download", help="Fetch the versions' files to record their digests.")]


@dataclass(frozen=True, slots=True)
class _Source:
    """The MLflow to read: its address as given, its name in URIs, and whether files may be fetched."""

    given: str | None
    server: str
    download: bool


def collect_mlflow(  # noqa: PLR0913 - one argument for each option
    tracking_uri: Uri = None,
    server_name: Name = None,
    experiment: Experiments = None,
    since: Since = None,
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Record what MLflow holds, as its server would with the Handrail app; exit 1 if lineage refuses some of it."""
    wanted = Wanted(tuple(experiment or ()), read_moment("--since", since) if since else None)
    with open_to_record() as platform:
        source = _Source(tracking_uri, server_name or name_server(platform.settings, tracking_uri), download)
        found = _collect(platform, source, wanted)
    if as_json:
        print_json(
            {"server": source.server, "refused": found.refused, "missing": found.missing, "limits": found.limits}
            | {"aliases_unchanged": found.counts.get(UNCHANGED, 0)}
            | {kind: found.counts.get(kind, 0) for kind in COUNTED}
        )
    else:
        typer.echo(f"Recorded {_counted(found)} of mlflow://{source.server}.")
        for sentence in filter(None, (found.limits, *(f"Left out: {each}" for each in found.refused))):
            messages.print(sentence, markup=False)
        for sentence in found.missing:
            messages.print(f"Missing: {sentence}", markup=False)
    if found.refused:
        raise typer.Exit(1)


def _counted(found: Collected) -> str:
    counts = ((found.counts.get(kind, 0), kind) for kind in COUNTED)
    unchanged = found.counts.get(UNCHANGED, 0)
    counted = ", ".join(f"{count:,} {COUNTED[kind] if count == 1 else kind}" for count, kind in counts)
    return f"{counted} ({unchanged:,} unchanged)" if unchanged else counted


def _collect(platform: Platform, source: _Source, wanted: Wanted) -> Collected:
    settings = platform.settings
    uri = find_tracking_uri(settings, source.given)
    naming = Naming(source.server, settings.repository, settings.environment, find_repository_addresses(settings))
    with messages.status(f"Reading {without_secrets(uri)}") as status, _translated(uri):
        reader = Reader(open_client(uri))
        limits = find_limits_of_view(uri)
        writer = Writer(platform.lineage, lambda what: status.update(f"Reading {without_secrets(uri)}: {what}"))
        digests = open_digests(reader, uri, download=source.download)
        found = Collector(reader, writer, naming, system_time, digests).collect(wanted)
        return replace(found, limits=limits)


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as err:
        problem = without_secrets(str(getattr(err, "message", None) or err)).strip().rstrip(".")
        if LOST in problem:
            # What follows is the words of three libraries, one in the other.
            problem = "it does not answer any more"
        raise Unavailable(f"MLflow at {without_secrets(uri)}", problem, REMEDY) from err
