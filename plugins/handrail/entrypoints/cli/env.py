"""`handrail env`: the environment in which each tool finds this project's state when typed by hand."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer

from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.errors import MissingFile
from handrail.settings import CONFIG_FILE, Settings, find_project, load_settings

OWN_PROJECT = Path("infra") / "servers" / "up.py"
"""What starts the servers of the reference project, and of a copy of it. Elsewhere a team has servers of its own."""

DEMO = Path("demo") / "project"
"""Below the home: the project of `make demo`, which `make up` shows once the demo ended well."""

PLACES = {
    "MLflow": ("MLFLOW_TRACKING_URI", "MLFLOW_BACKEND_STORE_URI", "MLFLOW_REGISTRY_URI"),
    "Prefect": ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILES_PATH"),
    "BentoML": ("BENTOML_HOME",),
}
"""Where a tool keeps its state. A shell that names one of them has chosen: a mixture would be a third place."""


def tool_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that point every tool at `settings.home`, with telemetry off.

    Holds no secret; the addresses of servers are those of `make up`. After a replay, event time is the replay's.
    """
    home = settings.home
    local_store = f"sqlite:///{home / 'mlflow' / 'local.db'}"
    return {
        "PATH": _path_with(Path(sys.executable).parent),
        **own_environment(settings),
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


def own_environment(settings: Settings) -> dict[str, str]:
    """Return the HANDRAIL_* variables by which Handrail finds this project from every folder."""
    replay = {"HANDRAIL_REPLAY": "true"} if (settings.home / "replay" / "now").exists() else {}
    return {"HANDRAIL_PROJECT": str(settings.project), "HANDRAIL_HOME": str(settings.home), **replay}


def shell_environment(settings: Settings) -> dict[str, str]:
    """Return what a person's shell is offered: all tools in the reference project, elsewhere Handrail's own variables.

    A server that the settings name is the one that its tool is pointed at, in any project.
    """
    reference = (settings.project / OWN_PROJECT).is_file()
    offered = tool_environment(settings) if reference else own_environment(settings)
    if settings.mlflow_url:
        offered.pop("MLFLOW_BACKEND_STORE_URI", None)
        offered["MLFLOW_TRACKING_URI"] = settings.url("mlflow")
    if settings.prefect_url:
        offered["PREFECT_API_URL"] = f"{settings.url('prefect')}/api"
    return offered


def kept_by_shell(offered: Mapping[str, str], current: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the variables of `offered` that stay as the shell has them, each with the names that decide it.

    PATH and Handrail's own are never among them: the first is only extended, the second were read from the shell.
    """
    chosen = {name for name, value in current.items() if value and value != offered.get(name)}
    kept = {name: [name] for name in offered if name in chosen}
    for names in PLACES.values():
        if deciding := [name for name in names if name in chosen]:
            kept |= {name: deciding for name in names if name in offered}
    return {name: by for name, by in kept.items() if name != "PATH" and not name.startswith("HANDRAIL_")}


def show(as_json: AsJson = False) -> None:
    """Print shell exports by which bentoml, dvc, prefect, mlflow and feast find this project's state.

    What your shell sets already stays as it is. Outside of the reference project only HANDRAIL_* and the servers that
    config/handrail.yaml names are set.
    """
    settings = load_settings()
    _require_project(settings)
    offered = shell_environment(settings)
    kept = kept_by_shell(offered, os.environ)
    for sentence in _notes(settings, kept):
        messages.print(sentence, markup=False, highlight=False)
    values = {name: value for name, value in offered.items() if name not in kept}
    if as_json:
        return print_json(values)
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    return None


def _path_with(programs: Path) -> str:
    """Put the programs beside this Python first, so that `python` in dvc.yaml is the one with the tools."""
    others = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != str(programs)]
    return os.pathsep.join([str(programs), *others])


def _require_project(settings: Settings) -> None:
    named = "HANDRAIL_PROJECT" in os.environ or "HANDRAIL_HOME" in os.environ
    if not (named or settings.config.is_dir() or settings.home.is_dir()):
        raise MissingFile(
            str(settings.project / CONFIG_FILE),
            "Go to the folder of a project, or name it with HANDRAIL_PROJECT. Nothing is set.",
        )


def _notes(settings: Settings, kept: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield a sentence for each thing that somebody who takes these variables would not expect."""
    deciding = sorted({name for names in kept.values() for name in names})
    if deciding:
        beside = sorted(set(kept) - set(deciding))
        also = (
            f" For this reason {' and '.join(beside)} {'is' if len(beside) == 1 else 'are'} not set." if beside else ""
        )
        yield f"Left as your shell has it: {', '.join(deciding)}.{also} Unset what you want from this project instead."
    if not (settings.project / OWN_PROJECT).is_file():
        yield (
            "Set for Handrail alone: this is not the reference project. Other tools are pointed only at servers that "
            "mlflow_url and prefect_url name."
        )
    if (settings.home / DEMO / "dvc.yaml").is_file() and settings.project != settings.home / DEMO:
        yield (
            f"Servers and flows of make up work in the demo's project, {settings.home / DEMO}: each start of make up "
            f"brings it to the last commit of {settings.project}."
        )
    around = find_project(Path.cwd())
    if (around / CONFIG_FILE).is_file() and around != settings.project:
        yield (
            f"HANDRAIL_PROJECT names {settings.project}, and this folder belongs to {around}: "
            "unset HANDRAIL_PROJECT and HANDRAIL_HOME to work there."
        )
