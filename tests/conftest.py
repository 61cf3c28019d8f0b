"""What every process that runs tests does: take a place of its own, and keep tests that share a server together."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings

from tests.fakes.effort import USUAL
from tests.groups import GroupScheduling, begins, group_of
from tests.place import POSTGRES, REDIS, Place, take_place

PLACE = pytest.StashKey[Place]()

# How long a case takes says more of the machine than of the code.
settings.register_profile("handrail", settings(max_examples=USUAL), deadline=None)
settings.load_profile("handrail")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take a place before test modules are imported, which read the addresses; pytest-xdist's controller needs none."""
    if config.option.collectonly or (config.getoption("numprocesses", None) and not hasattr(config, "workerinput")):
        return
    place = take_place(os.environ.get(POSTGRES), os.environ.get(REDIS))
    os.environ |= place.environment()
    config.stash[PLACE] = place


def pytest_unconfigure(config: pytest.Config) -> None:
    if PLACE in config.stash:
        config.stash[PLACE].leave()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let long groups begin, of those that share a server the one with most tests; the order within stays random.

    With HANDRAIL_TEST_BRIEF what runs a whole loop of its own is left out.
    """
    if os.environ.get("HANDRAIL_TEST_BRIEF"):
        left_out = [item for item in items if item.get_closest_marker("whole_loop")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    sizes = Counter(group_of(item.nodeid) for item in items)
    items.sort(key=lambda item: begins(item.nodeid, sizes))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)
