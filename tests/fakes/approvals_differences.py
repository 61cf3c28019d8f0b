"""Fakes of the ports that say how two versions differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from handrail.approvals.difference_ports import Makings, PromptReadings, TrainingRuns
from handrail.approvals.domain.sides import Making, RunFacts
from handrail.errors import HandrailError, UnknownReference


class FakeRuns(TrainingRuns):
    """`TrainingRuns` by id; `fail_with` ends each reading."""

    def __init__(self) -> None:
        self.runs: dict[str, RunFacts] = {}
        self.fail_with: Exception | None = None

    def run(self, run_id: str) -> RunFacts:
        if self.fail_with:
            raise self.fail_with
        if run_id not in self.runs:
            raise UnknownReference("run", run_id, "Log it first.")
        return self.runs[run_id]


class FakeMakings(Makings):
    """`Makings` by the digest of the tree; `fail_with` ends each look."""

    def __init__(self) -> None:
        self.makings: dict[str, Making] = {}
        self.fail_with: Exception | None = None

    def made(self, tree_digest: str) -> Making | None:
        if self.fail_with:
            raise self.fail_with
        return self.makings.get(tree_digest)


class PromptAtOnce(PromptReadings):
    """`PromptReadings` that read in the call itself; works whose name holds a text of `slow` do not end in time."""

    def __init__(self) -> None:
        self.slow: set[str] = set()

    def within(self, works: Mapping[str, Callable[[], Any]]) -> Mapping[str, Future[Any]]:
        quick = {name: work for name, work in works.items() if not any(slow in name for slow in self.slow)}
        return {name: _ended(work) for name, work in quick.items()}


def _ended(work: Callable[[], Any]) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(work())
    except HandrailError as err:
        future.set_exception(err)
    return future
