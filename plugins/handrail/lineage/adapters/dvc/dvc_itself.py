"""Asks DVC for what it alone can say: which stages a dvc.yaml with templates or loops has, and where they run."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from handrail.errors import InvalidInput
from handrail.tools import require


def working_folders(project: Path, pipeline: str, commit: str | None = None, prefix: str = "") -> Mapping[str, str]:
    """Return the working folder of each stage of the file `pipeline`, relative to the project, by the stage's name.

    The file is read from `commit`, where the project is in the folder `prefix`, or from the disk if that is None.

    Raises:
        MissingTool: DVC is not installed.
        InvalidInput: DVC cannot read the file.
    """
    require("dvc", "dvc")
    from dvc.dvcfile import load_file
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from scmrepo.exceptions import SCMError

    try:
        with Repo(str(project), rev=commit, subrepos=True, uninitialized=True) as repo:
            root = str(project) if commit is None else posixpath.join("/", prefix)
            stages = load_file(repo, posixpath.join(root, pipeline)).stages
            folders = {str(name): posixpath.relpath(str(stages[name].wdir), root) for name in stages}
            return {name: "" if folder == "." else folder for name, folder in folders.items()}
    except (DvcException, SCMError, OSError) as err:
        problem = f"DVC cannot read it: {str(err).rstrip('.')}"
        raise InvalidInput(pipeline, problem, "Correct it until dvc status reads it.") from err
