"""The MLflow run context provider: tags each run with the commit, the DVC stage and state, the flow run it came from.

MLflow loads this module whenever it is imported and calls it at every fit: it imports nothing heavy and never raises.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

GIT_TIMEOUT_S = 5
LOCK = "dvc.lock"


class HandrailRunContext:
    """Contributes `handrail.git_commit`, `.git_dirty`, `.repository`, `.dvc_lock_sha256`, `.dvc_stage`, `.flow_run_id`.

    What is not known is left out.

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
        project = next((folder for folder in (here, *here.parents) if (folder / ".dvc").is_dir()), None)
        found = _git(here, project) | {
            "handrail.repository": _repository(here),
            "handrail.dvc_lock_sha256": _lock_digest(project, here) if project else "",
            "handrail.dvc_stage": os.environ.get("DVC_STAGE", ""),  # DVC sets it for the command of a stage
            "handrail.flow_run_id": _flow_run_id(),
        }
        return {name: value for name, value in found.items() if value}


def _git(here: Path, project: Path | None) -> dict[str, str]:
    """Ask once for the commit and for changes of tracked files that are not DVC's own.

    While a pipeline runs, DVC and the stages before rewrite dvc.lock and the reports: that makes no code unknown.
    """
    command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    command += ["--", ":(top)"]
    if project is not None:
        outputs = _outputs(project, _tracked(project, "dvc.yaml"))
        command += [":(exclude,glob)**/dvc.lock", *(f":(exclude,literal){path}" for path in outputs)]
    try:
        done = subprocess.run(
            command,
            cwd=project or here,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    if len(commit) != 40:  # "(initial)" before the first commit
        return {}
    dirty = any(not line.startswith("#") for line in lines)
    return {"handrail.git_commit": commit, "handrail.git_dirty": str(dirty).lower()}


def _outputs(project: Path, pipelines: Iterable[str]) -> list[str]:
    """Return what the stages of these dvc.yaml files write below `project`, relative to it."""
    found = [path for pipeline in pipelines for path in _written(project, pipeline)]
    return [path.as_posix() for path in found if not path.is_absolute() and path.parts[:1] not in ((), ("..",))]


def _written(project: Path, pipeline: str) -> list[Path]:
    """Return what the stages of one dvc.yaml write; nothing if it cannot be read."""
    import yaml

    try:
        graph = yaml.safe_load((project / pipeline).read_text(encoding="utf-8"))
        entries = [
            (stage.get("wdir", "."), entry)
            for stage in graph["stages"].values()
            for kind in ("outs", "metrics", "plots")
            for entry in stage.get(kind, [])
        ]
        around = Path(pipeline).parent
        return [Path(os.path.normpath(around.joinpath(folder, *_path_of(entry)))) for folder, entry in entries]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        return []


def _tracked(project: Path, name: str) -> list[str]:
    """Return the files of a name that git knows at and below a project, by path, the project's own always."""
    command = ["git", "ls-files", "-z", "--", f":(glob)**/{name}"]
    try:
        done = subprocess.run(command, cwd=project, capture_output=True, timeout=GIT_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return [name]
    found = done.stdout.decode(errors="surrogateescape").split("\0")
    return sorted({name, *filter(None, found)})


def _path_of(entry: str | dict[str, object]) -> tuple[str, ...]:
    """Return the path of an output: its text, or the one key of a mapping from it to its options."""
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _lock_digest(project: Path, here: Path) -> str:
    """Hash the dvc.lock at the top of the DVC project, else the nearest one above `here`, else the only one of it."""
    above = [folder / LOCK for folder in (project, here, *here.parents) if folder.is_relative_to(project)]
    found = next((file for file in above if file.is_file()), None)
    if found is None:
        known = [file for path in _tracked(project, LOCK) if (file := project / path).is_file()]
        found = known[0] if len(known) == 1 else None
    try:
        return hashlib.sha256(found.read_bytes()).hexdigest() if found else ""
    except OSError:
        return ""


def _repository(here: Path) -> str:
    """Return the name that the project around `here` gives its repository: a server may serve several projects."""
    named = os.environ.get("HANDRAIL_REPOSITORY")
    folders = [Path(os.environ["HANDRAIL_PROJECT"])] if os.environ.get("HANDRAIL_PROJECT") else [here, *here.parents]
    file = next((file for folder in folders if (file := folder / "config" / "handrail.yaml").is_file()), None)
    if named or file is None:
        return named or ""
    import yaml

    try:
        return str(yaml.safe_load(file.read_text(encoding="utf-8"))["repository"])
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return ""


def _flow_run_id() -> str:
    """Return the Prefect flow run: of this process if Prefect is loaded, else of the worker that started it."""
    context = getattr(sys.modules.get("prefect.context"), "FlowRunContext", None)
    running = context.get() if context else None
    identifier = getattr(getattr(running, "flow_run", None), "id", None)
    return str(identifier or os.environ.get("PREFECT__FLOW_RUN_ID") or "")
