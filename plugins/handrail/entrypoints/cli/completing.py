"""What the shell offers while somebody types a name: quickly, from the store of this project, and never failing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps

from handrail.bootstrap import open_records
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.settings import load_settings

MOST = 50
ALIAS = "mlflow alias "
Completer = Callable[[str], list[str]]


def _quietly(offer: Callable[[str], Sequence[str]]) -> Completer:
    """Return a completer that offers nothing where there is no store, or a mistake in the settings."""

    @wraps(offer)
    def complete(incomplete: str) -> list[str]:
        offered: Sequence[str] = ()
        with never_fail("names for the shell", logging.DEBUG):
            offered = offer(incomplete)
        return [name for name in dict.fromkeys(offered) if name.startswith(incomplete)][:MOST]

    return complete


@_quietly
def names(incomplete: str) -> Sequence[str]:
    """Return known names of things that begin so: versions, aliases, bentos, paths, people, requests."""
    with open_records() as platform:
        return platform.lineage.names_beginning(incomplete, MOST)


@_quietly
def moving_names(incomplete: str) -> Sequence[str]:
    """Return moving names that begin so, aliases without what stands before them."""
    with open_records() as platform:
        known = platform.lineage.pointer_names()
    return [name.removeprefix(ALIAS) for name in known if name.removeprefix(ALIAS).startswith(incomplete)]


@_quietly
def requests(incomplete: str) -> Sequence[str]:
    """Return ids of requests that begin so, the newest first."""
    with open_records() as platform:
        found = [view.history.request.request_id for view in platform.approvals.requests()]
    return [each for each in reversed(found) if each.startswith(incomplete)]


@_quietly
def accounts(incomplete: str) -> Sequence[str]:
    """Return the accounts that have a file below the project's credentials."""
    del incomplete
    files = load_settings().credentials.glob("demo-*.json")
    return sorted(file.stem.removeprefix("demo-") for file in files)
