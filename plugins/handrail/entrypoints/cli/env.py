"""`handrail env`: the environment in which each tool finds this project's state when typed by hand."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import typer

from handrail.entrypoints.cli.output import AsJson, print_json
from handrail.settings import Settings, load_settings


def tool_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that point every tool at `settings.home`, with telemetry off.

    Holds no secret; the addresses of servers are those of `make up`. After a replay, event time is the replay's.
    """
    home = settings.home
    local_store = f"sqlite:///{home / 'mlflow' / 'local.db'}"
    replay = {"HANDRAIL_REPLAY": "true"} if (home / "replay" / "now").exists() else {}
    return {
        "PATH": _path_with(Path(sys.executable).parent),
        "HANDRAIL_PROJECT": str(settings.project),
        "HANDRAIL_HOME": str(home),
        **replay,
        "MLFLOW_TRACKING_URI": local_store,
        # `mlflow ui` reads this one only.
        "MLFLOW_BACKEND_STORE_URI": local_store,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{settings.url('prefect')}/api",
        "BENTOML_HOME": str(home / "bentoml"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "BENTOML_DO_NOT_TRACK": "True",
        "GX_ANALYTICS_ENABLED": "False",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _path_with(programs: Path) -> str:
    """Put the programs beside this Python first, so that `python` in dvc.yaml is the one with the tools."""
    others = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != str(programs)]
    return os.pathsep.join([str(programs), *others])


def show(as_json: AsJson = False) -> None:
    """Print the environment for bentoml, dvc, prefect, mlflow and feast as shell exports."""
    values = tool_environment(load_settings())
    if as_json:
        return print_json(values)
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    return None
