"""Which adapter keeps the promise of which port, and nothing else.

Adapters are imported inside the factories, so that opening one plugin loads no other plugin's tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from handrail.clock import EventClock
from handrail.errors import Unavailable
from handrail.settings import Settings, load_settings, make_home
from handrail.storage import Store, missing_file, open_store

if TYPE_CHECKING:
    from handrail.approvals.service import Approvals
    from handrail.feedback.service import FeedbackLog
    from handrail.lineage.service.lineage import Lineage


@dataclass(frozen=True)
class Platform:
    """The three plugins over one store; each is opened at its first use. A context that closes the store at its end.

    `patience_s` is how long a statement waits for a store that is locked or silent, None for the store's own default.
    Where it is not `synced`, a power cut loses the last of what was recorded through this.
    """

    settings: Settings
    patience_s: float | None = None
    synced: bool = True

    @cached_property
    def store(self) -> Store:
        """Handrail's own database."""
        if self.settings.database_url is None:
            make_home(self.settings)
        return open_store(self.settings.store_url, self.patience_s, synced=self.synced)

    @cached_property
    def approvals_store(self) -> Store:
        """The database of the gate's ledger: Handrail's own unless a keeper has one."""
        if self.settings.approvals_url == self.settings.store_url:
            return self.store
        return open_store(self.settings.approvals_url, self.patience_s)

    @cached_property
    def event_clock(self) -> EventClock:
        """Event time for features, predictions and outcomes."""
        return EventClock(self.settings.replay_clock)

    @cached_property
    def approvals(self) -> Approvals:
        """The approval gates."""
        from handrail.bootstrap.approvals import open_approvals

        return open_approvals(self.settings, lambda: self.approvals_store)

    @cached_property
    def lineage(self) -> Lineage:
        """The lineage graph."""
        from handrail.bootstrap.lineage import open_lineage

        # Recording asks nothing of feedback, and runs in processes whose time is not ours.
        return open_lineage(self.settings, self.store, lambda: self.feedback)

    @cached_property
    def feedback(self) -> FeedbackLog:
        """Predictions and their outcomes."""
        from handrail.bootstrap.feedback import open_feedback

        return open_feedback(self.settings, self.store)

    def close(self) -> None:
        """Give back the store's connections, if any were opened."""
        for name in ("store", "approvals_store"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def __enter__(self) -> Self:
        """Return this platform; nothing is opened yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close it, whatever happened."""
        self.close()


def open_platform(
    settings: Settings | None = None, patience_s: float | None = None, *, synced: bool = True
) -> Platform:
    """Open Handrail for `settings`, read from the current project if None; the rest is as `Platform` has it."""
    return Platform(settings or load_settings(), patience_s, synced)


def open_records() -> Platform:
    """Open what is recorded in the current project, to read it: where there is no store, none is made.

    Raises:
        Unavailable: nothing was ever recorded here, so the folder may be the wrong one.
    """
    platform = open_platform()
    settings = platform.settings
    missing = missing_file(settings.store_url)
    elsewhere = settings.approvals_url != settings.store_url and not missing_file(settings.approvals_url)
    if missing and not elsewhere and settings.approvals_socket is None:
        raise Unavailable(
            "Nothing is recorded here",
            f"there is no file {missing}",
            "Go to your project's folder, or set HANDRAIL_PROJECT, HANDRAIL_HOME or HANDRAIL_DATABASE_URL; "
            "the first record makes the file.",
        )
    return platform
