"""From a packaged tree to its permit: register it as one version, ask, and read what the gate decided.

Nothing here decides or moves an alias: the gate inside the MLflow server does. Each step may be repeated.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.steps.project.accounts import read_account, tracking_environment
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import permit_path, server_name, tree_digest
from handrail.errors import Refused, Unavailable
from handrail.files import replace_file
from handrail.http import GateClient
from handrail.refs import TrackingRun
from handrail.settings import Settings

TREE = Path("models") / "package"
TRAINED = Path("reports") / "train.json"
EVIDENCE = {"evaluation": "reports/evaluate.json", "parity": "reports/package.json"}
COMPARISON = {"comparison": "reports/comparison.json"}
OPEN_VERDICTS = ("pending", "approved")
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Registered:
    """A tree on the MLflow server: the version that stands for it, and the digest of its files."""

    model: str
    version: int
    run_id: str
    tree_digest: str


def register(settings: Settings, project: Path, account: str, model: str | None = None) -> Registered:
    """Make the project's packaged tree one registered version, as `account`; a tree that is one already stays it.

    The version belongs to the run that trained it; run, evaluation and tree are logged first if the server lacks them.

    Raises:
        Unavailable: there is no packaged tree, or MLflow cannot be reached or does not let this account register.
    """
    from flows.steps.modelling.tracking import log_evaluation, register_package

    tree, name = project / TREE, model or settings.model_name
    if not (tree / "MLmodel").is_file():
        raise Unavailable(str(tree), "there is no packaged model", "Run the pipeline first: dvc repro.")
    with _logged_in(settings, account):
        log_evaluation(project)
        version, run_id = register_package(project, name)
    registered = Registered(name, version, run_id, tree_digest(tree))
    _record_training(settings, project, registered)
    return registered


def _record_training(settings: Settings, project: Path, registered: Registered) -> None:
    """Tell lineage that the tree came of the MLflow run, and the run of what the stage `train` read."""
    inputs = json.loads((project / TRAINED).read_text(encoding="utf-8"))["stage_inputs"]
    run = TrackingRun(server_name(settings), registered.run_id)
    with open_platform(settings) as platform:
        platform.lineage.record_tracking_run(run, stage_inputs=inputs, tree_digest=registered.tree_digest)


def read_evidence(project: Path, comparison: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Read what the pipeline left for those who decide, by the names that policies use.

    `comparison` with the champion is what retraining found; a file reports/comparison.json stands in for it.

    Raises:
        Unavailable: a report is missing.
    """
    found = {}
    for name, path in (EVIDENCE | COMPARISON).items():
        file = project / path
        if file.is_file():
            found[name] = json.loads(file.read_text(encoding="utf-8"))
        elif name in EVIDENCE:
            raise Unavailable(str(file), "this evidence is missing", "Run the pipeline first: dvc repro.")
    return found | ({"comparison": dict(comparison)} if comparison else {})


def open_request(
    settings: Settings, registered: Registered, account: str, alias: str, asked: tuple[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Ask that `alias` points at the registered version; `asked` is the reason and the evidence by name.

    Returns:
        the request as the gate sees it, with `request_id`, `verdict` and `reasons`.

    Raises:
        Refused: the gate saw another tree than the one that was packaged here.
    """
    reason, evidence = asked
    with _client(settings, account) as gate:
        request = gate.open_request(
            model=registered.model, version=registered.version, alias=alias, reason=reason, evidence=evidence
        )
    if request["tree_digest"] != registered.tree_digest:
        raise Refused(
            f"Promoting {registered.model} version {registered.version}",
            (f"The server holds {request['tree_digest']}, packaged was {registered.tree_digest}.",),
        )
    return request


def read_request(settings: Settings, account: str, request_id: str) -> dict[str, Any]:
    """Return where a request stands."""
    with _client(settings, account) as gate:
        return gate.request(request_id)


def wait_for_decision(settings: Settings, account: str, request_id: str, within_s: float) -> dict[str, Any]:
    """Return the request as soon as it is decided, or as it stands after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    with _client(settings, account) as gate:
        request = gate.request(request_id)
        while request["verdict"] in OPEN_VERDICTS and time.monotonic() < deadline:
            time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
            request = gate.request(request_id)
    return request


def is_open(request: Mapping[str, Any]) -> bool:
    """Tell whether people may still decide."""
    return request["verdict"] in OPEN_VERDICTS


def fetch_permit(settings: Settings, account: str, request: Mapping[str, Any]) -> Path:
    """Return the file of the permit for a promoted request, fetched if this home does not hold it.

    Raises:
        Refused: the request was not promoted; with the gate's reasons.
    """
    if request["verdict"] != "promoted":
        raise Refused(f"Promoting {request['model']} version {request['version']}", tuple(request["reasons"]))
    file = permit_path(settings, request["tree_digest"])
    if not file.is_file():
        with _client(settings, account) as gate:
            envelope = gate.permit(request["tree_digest"])
        replace_file(file, envelope)
    return file


def as_json(registered: Registered) -> dict[str, Any]:
    """Return a registered version as JSON values."""
    return asdict(registered)


def _client(settings: Settings, account: str) -> GateClient:
    login = read_account(settings, account)
    return GateClient(settings.url("mlflow"), login.username, login.password)


@contextmanager
def _logged_in(settings: Settings, account: str) -> Iterator[None]:
    """Log in: MLflow reads its server and login from the environment alone."""
    before = dict(os.environ)
    os.environ.update(tracking_environment(settings, account))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
