"""Prefect's runs, asked of its server, collected, and as the store of the project holds them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa
from typer.testing import CliRunner

from handrail.entrypoints.cli import build
from handrail.entrypoints.hosts.recording import platform_here
from handrail.lineage.adapters.sql.tables import attribute, edge, node, to_moment
from handrail.lineage.domain.vocabulary import Verb
from handrail.refs import DataVersion

DEADLINE_S = 60


@dataclass
class Recorded:
    """One run: what it used, generated and is part of, by URI."""

    uri: str
    started: object = None
    ended: object = None
    attributes: dict[str, str] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    generated: list[str] = field(default_factory=list)
    within: list[str] = field(default_factory=list)


def runs(kind):
    """Return every run of a kind by its name; its URI if it has none."""
    lineage = platform_here().lineage
    assert lineage.findings() == ()
    with platform_here().store.read() as connection:
        nodes = {row.id: row for row in connection.execute(sa.select(node))}
        attributes = connection.execute(sa.select(attribute)).all()
        edges = connection.execute(sa.select(edge)).all()
    found = {
        row.id: Recorded(row.uri, to_moment(row.started), to_moment(row.ended))
        for row in nodes.values()
        if row.kind == kind
    }
    for row in attributes:
        if row.node in found:
            found[row.node].attributes[row.name] = row.value
    for row in edges:
        if row.verb == Verb.GENERATED and row.cause in found:
            found[row.cause].generated.append(nodes[row.effect].uri)
        elif row.effect in found:
            place = found[row.effect].used if row.verb == Verb.USED else found[row.effect].within
            place.append(nodes[row.cause].uri)
    for run in found.values():
        for uris in (run.used, run.generated, run.within):
            uris.sort()
    return {run.attributes.get("name", run.uri): run for run in found.values()}


def only(kind):
    """Return the one run of a kind."""
    (found,) = runs(kind).values()
    return found


def data_at(path, content):
    """Return the URI of a file of the project with that text."""
    return DataVersion("shop", path, hashlib.md5(content.encode()).hexdigest()).uri


def collect(*arguments):
    """Invoke `handrail lineage collect prefect`."""
    return CliRunner().invoke(build(), ["lineage", "collect", "prefect", *arguments])


@contextmanager
def talking_to(url: str, updates: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Let flows of this process talk to the Prefect server at `url` for the length of a block.

    What sends their events is one for the whole process, and stays with the server that it met first: so it ends here,
    while that server still takes them, and the next test begins another one.
    """
    from prefect import settings
    from prefect.events.worker import EventsWorker

    said = {
        settings.PREFECT_API_URL: f"{url}/api",
        settings.PREFECT_LOGGING_TO_API_ENABLED: False,
        # A sync flow else waits a second for the thread of its heartbeat.
        settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with settings.temporary_settings(updates=said | dict(updates or {})):
        try:
            yield
        finally:
            EventsWorker.drain_all(timeout=DEADLINE_S, at_exit=False)


def until_ended(url, began, task_runs):
    """Wait until the server, which takes task runs from events, knows that many to have ended, and what they made."""
    deadline = time.monotonic() + DEADLINE_S
    asked = {"task_runs": {"start_time": {"after_": began}}, "limit": 200}
    ended: list[dict[str, Any]] = []
    while len(ended) < task_runs and time.monotonic() < deadline:
        rows = httpx.post(f"{url}/api/task_runs/filter", json=asked, timeout=30).json()
        ended = [row for row in rows if row["end_time"]]
        threading.Event().wait(0.1)
    assert len(ended) == task_runs
