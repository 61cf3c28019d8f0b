"""An author sends a better number than the model has: the gate measures it and refuses by the name of the level."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.measured_rows import hand_in_rows
from flows.steps.release.promote import TREE, Registered, read_evidence
from handrail.bootstrap.approvals import tree_digest
from handrail.errors import Refused
from handrail.scoring import SCORING_FILE

CLAIMED = 0.80
EXPERIMENT = "claims"
API = "/api/2.0/mlflow"


def refuse_forged(desk: Desk, project: Path, alias: str, metric: str) -> str:
    """Ask for a weaker model with a number that it does not have; return the gate's reason.

    The weaker model is the packaged one, whose inputs are mixed up. It is measured on the same rows.

    Raises:
        Refused: the gate took the number, so the demo must stop.
    """
    with tempfile.TemporaryDirectory(prefix="handrail-weak-") as folder:
        weak = Path(folder) / "tree"
        shutil.copytree(project / TREE, weak)
        _mix_up(weak / SCORING_FILE)
        digest = tree_digest(weak)
        asked = desk.requests_for(alias, digest)
        request = asked[-1] if asked else _ask(desk, project, alias, _register(desk, weak, digest), metric)
    reasons = [reason for reason in request["reasons"] if reason.startswith(f"evaluation.{metric} ")]
    if request["verdict"] != "refused" or not reasons:
        raise Refused("The demo", (f"A weaker model with a claimed {metric} is {request['verdict']}.",))
    return str(reasons[0])


def _mix_up(scoring: Path) -> None:
    """Let the model take each number for another feature."""
    stored = json.loads(scoring.read_text(encoding="utf-8"))
    texts = [name for name in stored["features"] if name in stored["categories"]]
    numbers = [name for name in stored["features"] if name not in stored["categories"]]
    scoring.write_text(json.dumps(stored | {"features": [*texts, *reversed(numbers)]}), encoding="utf-8")


def _ask(desk: Desk, project: Path, alias: str, weak: Registered, metric: str) -> dict[str, Any]:
    evidence: dict[str, Mapping[str, Any]] = dict(read_evidence(project))
    if metric == "roc_auc":
        evidence["evaluation"] = {**evidence["evaluation"], metric: CLAIMED}
    snapshot = hand_in_rows(desk, project, weak.model, alias)
    return desk.ask(weak, alias, "It is the best so far.", evidence, snapshot)


def _register(desk: Desk, tree: Path, digest: str) -> Registered:
    """Log the files to a new run over MLflow's REST API, and register them."""
    model = desk.settings.model_name
    experiment = _experiment(desk)
    run = _call(desk, "runs/create", experiment_id=experiment)["run"]["info"]
    root = f"/api/2.0/mlflow-artifacts/artifacts/{run['artifact_uri'].partition('mlflow-artifacts:/')[2].lstrip('/')}"
    for file in sorted(tree.rglob("*")):
        if file.is_file():
            path = f"{root}/model/{file.relative_to(tree).as_posix()}"
            desk.server.put(path, content=file.read_bytes()).raise_for_status()
    body = {"name": model, "source": f"runs:/{run['run_id']}/model", "run_id": run["run_id"]}
    version = _call(desk, "model-versions/create", **body)["model_version"]["version"]
    return Registered(model, int(version), run["run_id"], digest)


def _experiment(desk: Desk) -> str:
    found = desk.server.get(f"{API}/experiments/get-by-name", params={"experiment_name": EXPERIMENT})
    if found.is_success:
        return str(found.json()["experiment"]["experiment_id"])
    return str(_call(desk, "experiments/create", name=EXPERIMENT)["experiment_id"])


def _call(desk: Desk, path: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = desk.server.post(f"{API}/{path}", json=body).raise_for_status().json()
    return answer
