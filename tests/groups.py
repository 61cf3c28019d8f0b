"""Which tests stay together in one worker, and in what order groups begin.

pytest-xdist's own groups are marks, and its 3.8 cannot carry them under pytest 9.2; names of files need no carrying.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
LONGEST = "init"
"""A folder whose fixture is a whole loop."""
SERVERS = ("flows", "infra", "bentos", "entrypoints")
"""Folders whose files take longest: what begins late and lasts leaves the other workers idle at the end."""


class GroupScheduling(LoadScopeScheduling):
    """Gives a worker whole groups."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return the folder whose conftest.py a test's file shares with its neighbours, for one server; else the file."""
    return _group_of_file(nodeid.partition("::")[0])


@cache
def _group_of_file(file: str) -> str:
    folders = (TESTS.parent / file).relative_to(TESTS).parents
    shared = [folder for folder in folders if folder.parts and (TESTS / folder / "conftest.py").is_file()]
    return f"tests/{shared[-1]}" if shared else file


def begins(nodeid: str, sizes: Mapping[str, int]) -> tuple[int, int]:
    """Return a test's place in line: a whole loop, folders of one server by `sizes` of groups, servers, all else."""
    group = group_of(nodeid)
    if Path(group).parts[1] == LONGEST:
        return 0, 0
    if not group.endswith(".py"):
        return 1, -sizes[group]
    return (2 if Path(group).parts[1] in SERVERS else 3), 0
