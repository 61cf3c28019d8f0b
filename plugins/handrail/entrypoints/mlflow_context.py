"""The MLflow run context provider: tags each run with the commit, the DVC state and the flow run it came from.

MLflow loads this module whenever it is imported and calls it at every fit: it imports nothing heavy and never raises.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

GIT_TIMEOUT_S = 5


class HandrailRunContext:
    """Contributes `handrail.git_commit`, `.git_dirty`, `.dvc_lock_sha256` and `.flow_run_id`, as far as known.

    MLflow asks for these two methods only; deriving from its own class would import it here.
    """

    def in_context(self) -> bool:
        """Apply everywhere: what is not known is left out."""
        return True

    def tags(self) -> dict[str, str]:
        """Return the tags for a run that starts now, in the current folder."""
        try:
            here = Path.cwd()
        except OSError:  # the folder was removed under the process
            return {}
        found = _git(here) | {
            "handrail.dvc_lock_sha256": _lock_digest(here),
            "handrail.flow_run_id": _flow_run_id(),
        }
        return {name: value for name, value in found.items() if value}


def _git(here: Path) -> dict[str, str]:
    """Ask once for the commit and for changes of tracked files."""
    command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        done = subprocess.run(
            command, cwd=here, capture_output=True, text=True, errors="replace", timeout=GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    if len(commit) != 40:  # "(initial)" before the first commit
        return {}
    dirty = any(not line.startswith("#") for line in lines)
    return {"handrail.git_commit": commit, "handrail.git_dirty": str(dirty).lower()}


def _lock_digest(here: Path) -> str:
    """Hash the dvc.lock of the DVC project around `here`."""
    root = next((folder for folder in (here, *here.parents) if (folder / ".dvc").is_dir()), None)
    try:
        return hashlib.sha256((root / "dvc.lock").read_bytes()).hexdigest() if root else ""
    except OSError:
        return ""


def _flow_run_id() -> str:
    """Return the Prefect flow run: of this process if Prefect is loaded, else of the worker that started it."""
    context = getattr(sys.modules.get("prefect.context"), "FlowRunContext", None)
    running = context.get() if context else None
    identifier = getattr(getattr(running, "flow_run", None), "id", None)
    return str(identifier or os.environ.get("PREFECT__FLOW_RUN_ID") or "")
