"""What every process that runs tests does: take a place of its own."""

from __future__ import annotations

import os

import pytest

from tests.place import POSTGRES, REDIS, Place, take_place

PLACE = pytest.StashKey[Place]()


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
