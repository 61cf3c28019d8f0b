"""Runs MLflow's own client as one account, in a separate process.

That client reads its login from the environment and caches connections by address and by run. A process has one
environment for all its threads, so two accounts in one process could act as each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from handrail import errors
from handrail.errors import HandrailError, Unavailable

ROOT = Path(__file__).resolve().parents[3]
MODULE = "flows.steps.release.as_account"
OTHER_LOGINS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")
"""What MLflow's client would use instead of, or beside, the name and password of the account."""
BEGIN, END = "<!-- handrail:monitoring -->", "<!-- /handrail:monitoring -->"
"""Around what monitoring writes into the description of a version."""
TIMEOUT_S = 600.0
"""Much longer than any working step takes: a child that hangs must not block the flow forever."""


def register_package(login: Mapping[str, str], project: Path, model: str) -> tuple[int, str]:
    """Register the project's packaged tree as a version of `model`; run, evaluation and tree are logged if missing.

    `login` holds MLflow's variables for the account. Returns the version and the id of the run that it belongs to.

    Raises:
        Unavailable: MLflow does not answer, or does not let this account register.
        HandrailError: what the child raised.
    """
    answer = _ask(login, ["register", str(project.resolve()), model], f"Registering {model}")
    return int(answer["version"]), str(answer["run_id"])


def download_version(login: Mapping[str, str], version: tuple[str, int], into: Path) -> Path:
    """Download the files of a registered version (model, number) below `into`; return their folder.

    Raises:
        Unavailable: the server does not answer, or does not let this account read the version.
    """
    model, number = version
    arguments = ["download", model, str(number), str(into.resolve())]
    return Path(_ask(login, arguments, f"models:/{model}/{number}")["folder"])


def show_production(login: Mapping[str, str], project: Path) -> dict[str, int]:
    """Write on each registered version how it does in production, as tags; return how many each version has.

    Raises:
        Unavailable: the server does not answer, or does not let this account edit a version.
        HandrailError: what the child raised.
    """
    # Nobody waits for these figures: a server that is away is asked once more, not for minutes.
    brief = {**login, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    answer = _ask(brief, ["mirror", str(project.resolve())], "The page of figures from production")
    return {name: int(tags) for name, tags in answer["written"].items()}


def show_findings(login: Mapping[str, str], version: tuple[str, int], tags: Mapping[str, str], text: str) -> None:
    """Show what monitoring found on a registered version (model, number): tags, and a part of its description.

    What people wrote around that part stays. Repeating it changes nothing.

    Raises:
        Unavailable: the server does not answer, or does not let this account edit the version.
    """
    brief = {**login, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    model, number = version
    said = json.dumps({"tags": dict(tags), "text": text})
    _ask(brief, ["findings", model, str(number), said], f"The page of {model} {number}")


def _ask(login: Mapping[str, str], arguments: Sequence[str], what: str) -> dict[str, Any]:
    """Run this module in a child process with that login; return the answer on its last line.

    Raises:
        HandrailError: the child's own error.
        Unavailable: one about `what`: MLflow refuses, or the child failed or hangs.
    """
    server = f"the MLflow server at {login['MLFLOW_TRACKING_URI']}"
    inherited = {name: value for name, value in os.environ.items() if name not in OTHER_LOGINS}
    try:
        run = subprocess.run(
            [sys.executable, "-m", MODULE, *arguments],
            cwd=ROOT,
            env={**inherited, **login, **_flow_run()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as err:
        problem = f"it did not end within {TIMEOUT_S:g} s and was stopped"
        raise Unavailable(what, problem, f"See whether {server} is busy, and try again.") from err
    if run.returncode:
        printed = [line.strip() for line in run.stderr.splitlines() if line.strip()]
        problem = printed[-1] if printed else f"its process ended with exit code {run.returncode}"
        raise Unavailable(what, problem.rstrip("."), "Try again; if it fails again, report this line.")
    answer: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    if "error" in answer:
        raise _error_of(answer)
    if "problem" in answer:
        raise Unavailable(what, answer["problem"].rstrip("."), f"Start {server} and try again.")
    return answer


def _error_of(answer: Mapping[str, Any]) -> HandrailError:
    """Return the child's error: of the same class if `handrail.errors` has it, else the root with its sentence."""
    kind = getattr(errors, answer["error"], HandrailError)
    error: HandrailError = kind(**answer["facts"]) if kind is not HandrailError else HandrailError(answer["sentence"])
    return error


def _flow_run() -> dict[str, str]:
    """Return the variable that names the flow run of this thread; the child has no Prefect context."""
    if "prefect" not in sys.modules:
        return {}
    from prefect.runtime import flow_run

    return {"PREFECT__FLOW_RUN_ID": str(flow_run.id)} if flow_run.id else {}


def main(arguments: Sequence[str]) -> int:
    """Do in the child what the parent asks for, and write one line of JSON to stdout."""
    from mlflow.exceptions import MlflowException

    action, *values = arguments
    try:
        acts: Mapping[str, Callable[..., dict[str, Any]]] = {
            "register": _register,
            "download": _download,
            "mirror": _mirror,
            "findings": _findings,
        }
        answer = acts[action](*values)
    except HandrailError as err:
        answer = {"error": type(err).__name__, "facts": err.facts(), "sentence": str(err)}
    except (MlflowException, OSError) as err:
        answer = {"problem": str(err).splitlines()[0]}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _register(project: str, model: str) -> dict[str, Any]:
    from flows.steps.modelling import tracking

    tracking.log_evaluation(Path(project))
    version, run_id = tracking.register_package(Path(project), model)
    return {"version": version, "run_id": run_id}


def _download(model: str, number: str, into: str) -> dict[str, Any]:
    from flows.steps.modelling.tracking_store import load_request_headers

    load_request_headers()
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    # Asked of this server by name: a models:/ address would be looked up wherever this process points MLflow.
    server = os.environ["MLFLOW_TRACKING_URI"]
    client = MlflowClient(tracking_uri=server, registry_uri=server)
    place = client.get_model_version_download_uri(model, number)
    return {"folder": download_artifacts(artifact_uri=place, dst_path=into, tracking_uri=server)}


def _mirror(project: str) -> dict[str, Any]:
    from handrail.bootstrap import open_platform
    from handrail.bootstrap.feedback import open_mirror
    from handrail.settings import load_settings

    settings = load_settings().model_copy(update={"project": Path(project)})
    with open_platform(settings) as platform:
        shown = open_mirror(platform.feedback, os.environ["MLFLOW_TRACKING_URI"]).show(platform.event_clock())
    return {"written": {f"{version.name}/{version.version}": tags for version, tags in shown.items()}}


def _findings(model: str, number: str, said: str) -> dict[str, Any]:
    from mlflow import MlflowClient

    server, wanted = os.environ["MLFLOW_TRACKING_URI"], json.loads(said)
    client = MlflowClient(tracking_uri=server, registry_uri=server)
    held = client.get_model_version(model, number)
    for name, value in wanted["tags"].items():
        if held.tags.get(name) != value:
            client.set_model_version_tag(model, number, name, value)
    described = with_part(held.description or "", wanted["text"])
    if described != held.description:
        client.update_model_version(model, number, described)
    return {}


def with_part(description: str, text: str) -> str:
    """Return a description whose part about monitoring is `text`; a part that is there is replaced."""
    before, begin, rest = description.partition(BEGIN)
    after = rest.partition(END)[2] if begin else ""
    apart = f"{before.rstrip()}\n\n" if before.strip() else ""
    return f"{apart}{BEGIN}\n{text}\n{END}{after}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
