"""What installs the Handrail that runs now in the project that it writes, and the versions to take of all else."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from handrail.scaffold.machinery import LOCK
from handrail.version import __version__

EXTRA, OF_REFERENCE = "project", "reference"
_PIN = re.compile(r"^(?P<name>[\w.-]+)==[^\s;\\]+(?: ; [^\\\n]*[^\s\\])?", re.MULTILINE)


def own_requirement() -> str:
    """Return `handrail[project]` with its version, or with the address that it was installed from."""
    try:
        origin = json.loads(distribution("handrail").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        origin = {}
    if url := origin.get("url"):
        commit = origin.get("vcs_info", {}).get("commit_id")
        return f"handrail[{EXTRA}] @ {'git+' if commit else ''}{url}{f'@{commit}' if commit else ''}"
    return f"handrail[{EXTRA}]=={__version__}"


def pinned_versions(root: Path) -> tuple[str, ...]:
    """Return a `name==version` for each package of the lock below `root`, except for what no project needs."""
    unwanted = _of_reference()
    lock = (root / LOCK).read_text(encoding="utf-8")
    return tuple(found.group() for found in _PIN.finditer(lock) if found["name"] not in unwanted)


def _of_reference() -> frozenset[str]:
    """Return the packages that the reference project alone needs."""
    try:
        needs = distribution("handrail").requires or []
    except PackageNotFoundError:
        needs = []
    return frozenset(
        need.name
        for need in map(Requirement, needs)
        if need.marker and need.marker.evaluate({"extra": OF_REFERENCE}) and not need.marker.evaluate({"extra": ""})
    ) - {"handrail"}
