"""DVC for projects: commands that need no server and leave nothing outside of the project."""

from __future__ import annotations

import os
from pathlib import Path

from handrail.dvc_command import run_dvc, sentence_of
from handrail.errors import Unavailable


def dvc(project: Path, scratch: Path, *arguments: str) -> None:
    """Run DVC in a project; what it keeps for the whole machine goes into the folder `scratch`.

    Raises:
        Unavailable: DVC refused, with its own sentence.
    """
    environment = dict(os.environ) | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(scratch / "dvc")}
    code, lines = run_dvc(project, arguments, environment, None)
    if code:
        raise Unavailable(f"dvc {arguments[0]}", sentence_of(lines), "Correct that, and try again.")
