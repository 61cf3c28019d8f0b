"""What is asked to say how two versions differ. Each docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from handrail.approvals.domain.sides import Making, RunFacts, TreeFacts


class TreeDescriptions(Protocol):
    """What the gate's own copy of a tree says of itself."""

    @abstractmethod
    def described(self, tree_digest: str) -> TreeFacts:
        """Return the files of a kept tree, and the features and packages that they name.

        A file that cannot be read as what it should be is a sentence in `unread`.

        Raises:
            UnknownReference: no such tree is kept.
            Refused: what is kept is not what was taken any more.
        """


class TrainingRuns(Protocol):
    """What the runs on this server say of themselves."""

    @abstractmethod
    def run(self, run_id: str) -> RunFacts:
        """Return what a run says now. Whatever was written there, it can be read; what makes no sense is left out.

        Raises:
            UnknownReference: there is no such run.
            Unavailable: the tracking store cannot be read.
        """


class Makings(Protocol):
    """How trees were made, as lineage knows it."""

    @abstractmethod
    def made(self, tree_digest: str) -> Making | None:
        """Return how a tree was made, None if lineage knows no pipeline stage that wrote it; nothing is recorded.

        Raises:
            Unavailable: lineage cannot be read.
        """


class PromptReadings(Protocol):
    """Readings that nobody waits for longer than a moment."""

    @abstractmethod
    def within(self, works: Mapping[str, Callable[[], Any]]) -> Mapping[str, Future[Any]]:
        """Begin each work in another thread; return those that ended within the time for all, by name.

        A work that ends later keeps its outcome for a while, for whoever asks by its name next. So a name has to be of
        everything that the outcome depends on.
        """
