"""The requirement that installs the Handrail that runs now, for the project that it writes."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution

from handrail.version import __version__

EXTRA = "project"


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
