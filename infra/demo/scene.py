"""What all steps of the demo share: settings, servers, the opened platform, and what earlier steps found out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from flows.steps.data.live import open_live
from flows.steps.monitoring.month import read_month
from flows.steps.project.params import read_params
from flows.steps.release.desk import Desk
from flows.steps.replay.plan import kept_days
from handrail.bootstrap import Platform, open_platform
from handrail.errors import Misconfigured
from handrail.settings import Settings
from handrail.use_case import FILE, UseCase, read_use_case
from infra.demo.people import AUTHOR, Person, credentials_name, password_of
from infra.servers.supervisor import Servers

DAYS, SHORT_DAYS = 4, 2
COMMITTER = "demo"
"""Who commits in the demo's clone: `Handrail demo`."""


@dataclass
class Scene:
    """One run of the demo.

    Attributes:
        checkout: the user's repository; nothing in it changes but `.handrail/`.
        settings: the clone's settings, with free ports and replayed event time.
        short: fewer rows, same steps.
        found: what a step leaves for later ones, by name.
    """

    checkout: Path
    settings: Settings
    servers: Servers
    short: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    _desks: dict[str, Desk] = field(default_factory=dict)
    _ahead: dict[str, Future[Any]] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    @cached_property
    def platform(self) -> Platform:
        """Handrail's records of the demo, opened once."""
        return open_platform(self.settings)

    @property
    def days(self) -> int:
        """How many whole days are replayed over HTTP."""
        return SHORT_DAYS if self.short else DAYS

    @cached_property
    def kept(self) -> tuple[date, ...]:
        """The days near the end that the replay keeps for the rollout; none of a short table."""
        return kept_days(open_live(self.settings).rows[self.case.time.day])

    @cached_property
    def case(self) -> UseCase:
        """What is predicted, as the clone's config/use_case.yaml says."""
        return read_use_case(self.clone)

    @cached_property
    def months(self) -> tuple[str, ...]:
        """The whole months from go-live until the recorded data ends.

        Raises:
            Misconfigured: the description has no recorded data, or it ends before the first month does.
        """
        recorded, zone = self.case.replay, self.case.time.zone
        if recorded is None:
            raise Misconfigured(FILE.as_posix(), "it lacks the key 'replay'", "Say until when the data reaches.")
        month = read_month(f"{read_params(self.clone).go_live.astimezone(ZoneInfo(zone)):%Y-%m}", zone)
        found = []
        while month.end <= recorded.until:
            found.append(month.name)
            month = read_month(f"{month.after:%Y-%m}", zone)
        if not found:
            problem = f"'replay.until' is before the end of {month.name}, the month of go-live"
            raise Misconfigured(FILE.as_posix(), problem, "Move it, or go_live in params.yaml.")
        return tuple(found)

    @property
    def clone(self) -> Path:
        """The demo's own clone of the repository."""
        return self.settings.project

    def desk(self, person: Person) -> Desk:
        """Return the person's desk, opened once for the whole demo; their password is made at its first use."""
        if person.name not in self._desks:
            password_of(self.settings.credentials, person.account)
            self._desks[person.name] = Desk(self.platform, credentials_name(person))
        return self._desks[person.name]

    @property
    def author(self) -> Desk:
        """The desk of the demo's author."""
        return self.desk(AUTHOR)

    def begin(self, name: str, work: Callable[[], Any]) -> None:
        """Begin what a later step needs, while this process waits for others."""
        self._ahead[name] = self._threads.submit(work)

    def has_ended(self, name: str) -> bool:
        """Say whether what was begun under that name has returned or raised."""
        return self._ahead[name].done()

    def outcome(self, name: str) -> Any:
        """Wait for what was begun under that name; return what it returned, or raise what it raised."""
        return self._ahead[name].result()

    def __enter__(self) -> Self:
        """Return the scene; nothing is opened yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the desks and the platform, also after an error; what was begun is waited for."""
        self._threads.shutdown(cancel_futures=True)
        for desk in self._desks.values():
            desk.close()
        self.platform.close()

    def read_json(self, path: str) -> Any:
        """Return a JSON file of the clone."""
        return json.loads((self.clone / path).read_text(encoding="utf-8"))


def enter(environment: dict[str, str]) -> None:
    """Give this process, and so everything that it starts or calls, the demo's environment."""
    os.environ.update(environment)
    # A developer's own shell may point tools elsewhere; here it would lead out of the demo.
    for name in ("HANDRAIL_DATABASE_URL", "HANDRAIL_MLFLOW_URL", "HANDRAIL_PREFECT_URL", "HANDRAIL_BENTO_URL"):
        os.environ.pop(name, None)
