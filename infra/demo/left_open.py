"""One request stays open at the end of the demo: the champion with another threshold, for a person to decide about.

Ranking is the same, so every rule is met. What changes is how many are called and how many of the calls are right: a
question for whoever answers for the business, not for statistics.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.steps.modelling.judge import Judge
from flows.steps.modelling.package import parity_of
from flows.steps.modelling.skops_file import read_skops
from flows.steps.modelling.train import MODEL_FILE
from flows.steps.modelling.training_set import read_manifest, read_rows
from flows.steps.release.measured_rows import hand_in_rows
from flows.steps.release.promote import TREE, Registered, is_open
from handrail.bootstrap.approvals import tree_digest
from handrail.scoring import SCORING_FILE, Scorer
from handrail.use_case import read_use_case
from infra.demo.gate import ALIAS
from infra.demo.people import APPROVERS
from infra.demo.registering import register_files
from infra.demo.scene import Scene
from infra.demo.screen import Report

LOWER = 0.7
"""The share of the champion's threshold that is asked for."""
EXPERIMENT = "thresholds"


def leave_open(scene: Scene, report: Report) -> dict[str, object]:
    """Ask for the champion with a lower threshold, let the first approver agree, and leave it to the last one.

    Returns:
        the request's id, question and who is missing; why there is none where no project holds the champion's files,
        or its label has no threshold.
    """
    champion = scene.author.digest_behind(ALIAS)
    project = next((each for each in _projects(scene) if tree_digest(each / TREE) == champion), None)
    if project is None:
        return {"open_request": "none: what an earlier run left open was decided, or the champion is of elsewhere"}
    with tempfile.TemporaryDirectory(prefix="handrail-threshold-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(project / TREE, tree)
        before, after = _lower(tree / SCORING_FILE)
        if after is None:
            return {"open_request": "none: what this model answers has no threshold"}
        report(f"asking for the champion with the threshold {after} in place of {before}")
        request = _ask(scene, project, tree, f"Calls from {after} on in place of {before}; the same model otherwise.")
    if is_open(request):
        request = scene.desk(APPROVERS[0]).approve(
            request["request_id"], "The ranking is the same; who calls is yours."
        )
    if not is_open(request):
        return {"open_request": f"none: it is {request['verdict']}. {' '.join(request['reasons'])}"}
    return {"open_request": request["request_id"], "waits_for": APPROVERS[-1].account}


def _projects(scene: Scene) -> list[Path]:
    found = [scene.settings.home / "retrain" / "project", scene.clone]
    return [project for project in found if (project / TREE).is_dir()]


def _lower(scoring: Path) -> tuple[float | None, float | None]:
    stored = json.loads(scoring.read_text(encoding="utf-8"))
    before = stored.get("threshold")
    if before is None:
        return None, None
    after = round(before * LOWER, 2)
    scoring.write_text(json.dumps(stored | {"threshold": after}), encoding="utf-8")
    return before, after


def _ask(scene: Scene, project: Path, tree: Path, reason: str) -> dict[str, Any]:
    desk, digest = scene.author, tree_digest(tree)
    if asked := desk.requests_for(ALIAS, digest):
        return asked[-1]
    registered: Registered = register_files(desk, tree, digest, EXPERIMENT)
    snapshot = hand_in_rows(desk, project, registered.model, ALIAS)
    return desk.ask(registered, ALIAS, reason, {"parity": _parity(project, tree)}, snapshot)


def _parity(project: Path, tree: Path) -> dict[str, Any]:
    """Hold the served file against the reviewed model at the threshold that is asked for."""
    case, manifest, scorer = read_use_case(project), read_manifest(project), Scorer.load(tree)
    rows = read_rows(project, "validate", manifest, case)
    judge = Judge(case, json.loads((tree / SCORING_FILE).read_text(encoding="utf-8"))["threshold"])
    return asdict(parity_of(read_skops(tree / MODEL_FILE), rows, judge, scorer))
