"""Which tests call which functions, so that a mutant is tried with the tests that can notice it, quick ones first."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

EVERYWHERE = ""
"""The node that all tests lie within."""
Function = tuple[str, int]
"""A file and the line at which a function begins, decorators included."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How long each test takes, and the functions that it, or a fixture that it shares with others, calls.

    A shared fixture counts for the module or folder that shares it, its time in `shared`.
    """

    seconds: Mapping[str, float]
    calls: Mapping[str, frozenset[Function]]
    shared: Mapping[str, float]

    def tests_of(self, file: str, begin: int | None = None) -> tuple[str, ...]:
        """Return the tests that call the function that begins at a line of a file, or any of it, quick ones first."""
        sharing = [node for node, called in self.calls.items() if any(_fits(one, file, begin) for one in called)]
        tests = [test for test in self.seconds if any(_is_within(test, node) for node in sharing)]
        return tuple(sorted(tests, key=lambda test: self.seconds[test]))

    def split(self, tests: Sequence[str], quick_s: float, enough_s: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return those that take `quick_s` together, at least one, and the next up to `enough_s`."""
        ends = dict(zip(tests, accumulate(self.seconds[test] for test in tests), strict=True))
        quick = tuple(test for test in tests if ends[test] <= quick_s or test == tests[0])
        return quick, tuple(test for test in tests[len(quick) :] if ends[test] <= enough_s)

    def usual_s(self, tests: Sequence[str]) -> float:
        """Return how long some tests take together, with what they share."""
        nodes = (node for node in self.shared if any(_is_within(test, node) for test in tests))
        return sum(self.seconds[test] for test in tests) + sum(self.shared[node] for node in nodes)

    def write(self, file: Path) -> None:
        """Write it as JSON."""
        calls = {node: sorted(called) for node, called in self.calls.items()}
        kept = {"seconds": dict(self.seconds), "calls": calls, "shared": dict(self.shared)}
        file.write_text(json.dumps(kept), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Reach:
        """Read what `write` wrote."""
        kept = json.loads(file.read_text(encoding="utf-8"))
        calls = {node: frozenset((name, line) for name, line in called) for node, called in kept["calls"].items()}
        return cls(kept["seconds"], calls, kept["shared"])


class ReachPlugin:
    """A pytest plugin that watches the calls of functions in the files below a folder."""

    def __init__(self, root: Path, files: list[str]) -> None:
        self._files = {str(root / file): file for file in files}
        self._calls: dict[str, set[Function]] = defaultdict(set)
        self._seconds: dict[str, float] = {}
        self._shared: dict[str, float] = defaultdict(float)
        self._called: set[Function] = set()
        self._is_collecting = False

    @property
    def reach(self) -> Reach:
        """What was seen so far."""
        calls = {node: frozenset(called) for node, called in self._calls.items()}
        return Reach(self._seconds, calls, self._shared)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, object, object]:
        """Count what a module of tests calls at import for all of its tests."""
        self._is_collecting = True
        try:
            return (yield from self._watched(collector.nodeid))
        finally:
            self._is_collecting = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch one test with its fixtures."""
        start, before = time.monotonic(), sum(self._shared.values())
        try:
            return (yield from self._watched(item.nodeid))
        finally:
            self._seconds[item.nodeid] = time.monotonic() - start - (sum(self._shared.values()) - before)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> Generator[None, object, object]:
        """Count what a shared fixture calls for all tests that share it."""
        start, node = time.monotonic(), request.node.nodeid
        before, self._called = self._called, self._calls[node]
        try:
            return (yield)
        finally:
            self._called = before
            if request.scope != "function":
                self._shared[node] += time.monotonic() - start

    def _watched(self, node: str) -> Generator[None, object, object]:
        """Watch what happens at the `yield`, in whatever thread."""
        self._called = self._calls[node]
        threading.settrace(self._see)
        sys.settrace(self._see)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)

    def _see(self, frame: FrameType, _event: str, _arg: Any) -> None:
        file = self._files.get(frame.f_code.co_filename)
        # The bodies of modules and classes are no functions.
        if file is not None and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            called = self._calls[EVERYWHERE] if self._is_collecting and self._is_imported(frame) else self._called
            called.add((file, frame.f_code.co_firstlineno))

    def _is_imported(self, frame: FrameType | None) -> bool:
        """Say whether one of the files is being imported, which happens once, for whichever test comes first."""
        while frame is not None:
            code = frame.f_code
            if code.co_filename in self._files and not code.co_flags & inspect.CO_OPTIMIZED:
                return True
            frame = frame.f_back
        return False


class Chosen:
    """A pytest plugin that leaves only some tests, in the order in which they are named."""

    def __init__(self, tests: tuple[str, ...]) -> None:
        self._rank = {test: rank for rank, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what was not named."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._rank), key=lambda item: self._rank[item.nodeid]
        )


def function_at(code: str, line: int) -> int | None:
    """Return where the innermost function begins whose body holds a line; None for what runs at import."""
    begins = [
        min([node.lineno, *(each.lineno for each in node.decorator_list)])
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or line)
    ]
    return max(begins, default=None)


def _fits(function: Function, file: str, begin: int | None) -> bool:
    return function[0] == file and begin in (None, function[1])


def _is_within(test: str, node: str) -> bool:
    return node in (EVERYWHERE, ".") or test == node or test.startswith((f"{node}::", f"{node}/"))
