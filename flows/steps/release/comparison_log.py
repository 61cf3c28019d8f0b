"""Puts the comparison with the champion into the challenger's MLflow run, as JSON, as a page and as metrics.

MLflow compares runs by metrics of the same name, whatever they were judged on. These are of both models on the same
cases, and their names say which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from flows.steps.modelling.run_labels import labels_of
from flows.steps.release.comparison_page import comparison_page
from handrail.clock import system_time
from handrail.errors import Unavailable
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from flows.steps.release.desk import Desk
    from flows.steps.release.promote import Registered

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PROXIED = "mlflow-artifacts:/"
FIGURES = {
    "delta": "better_by",
    "ci_low": "better_by_low",
    "ci_high": "better_by_high",
    "champion_value": "champion",
    "challenger_value": "challenger",
}


def log_comparison(desk: Desk, project: Path, registered: Registered, found: Mapping[str, Any]) -> None:
    """Log a comparison, as evidence has it, to the run of the registered version. Repeating it changes nothing.

    Raises:
        Unavailable: the server does not answer, or does not let this account write to the run.
    """
    labels = labels_of(project)
    judged_on = str(found.get("month") or (labels.judged_on if labels else "the validation window"))
    version = f"{registered.model} version {registered.version}"
    page = comparison_page(found, read_use_case(project), version, judged_on)
    folder = "comparison/" + re.sub(r"[^0-9A-Za-z-]+", "-", f"on {judged_on} with {found.get('incumbent') or ''}")[:60]
    files = {"comparison.json": json.dumps(dict(found), indent=2, sort_keys=True), "comparison.html": page}
    try:
        answer = desk.server.get(f"{API}/runs/get", params={"run_id": registered.run_id}).raise_for_status()
        run = answer.json()["run"]
        for name, content in files.items():
            _upload(desk.server, run["info"]["artifact_uri"], f"{folder}/{name}", content)
        known = {metric["key"] for metric in run["data"].get("metrics", [])}
        metrics = [each for each in _metrics(found, judged_on) if each["key"] not in known]
        if metrics:
            body = {"run_id": registered.run_id, "metrics": metrics}
            desk.server.post(f"{API}/runs/log-batch", json=body).raise_for_status()
    except httpx.HTTPError as err:
        server = f"The MLflow server at {desk.settings.url('mlflow')}"
        problem = f"it did not take the comparison of {version} ({str(err).splitlines()[0].rstrip('.')})"
        raise Unavailable(server, problem, "See its log, and repeat this.") from err


def _upload(server: httpx.Client, root: str, path: str, content: str) -> None:
    """Put a file among a run's artifacts, as long as the server itself serves them."""
    if root.startswith(PROXIED):
        place = quote(f"{root.removeprefix(PROXIED).strip('/')}/{path}")
        server.put(f"{ARTIFACTS}/{place}", content=content.encode()).raise_for_status()


def _metrics(found: Mapping[str, Any], judged_on: str) -> list[dict[str, Any]]:
    at = int(system_time().timestamp() * 1000)
    group = f"same cases of {judged_on}/{found['metric']}"
    return [
        {"key": f"{group} {words}", "value": float(found[name]), "timestamp": at, "step": 0}
        for name, words in FIGURES.items()
    ]
