"""One request stays open at the end of the demo: the champion with another threshold, for a person to decide about.

Ranking is the same, so every rule is met. What changes is how many are called and how many of the calls are right: a
question for whoever answers for the business, not for statistics. It is made as any version is: one parameter is
changed in a clone, committed, and the stages that read it run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.steps.modelling.model_params import read_model_params
from flows.steps.project.dvc_files import PARAMS, change_params
from flows.steps.project.pipeline import check_tracked_files, read_graph, run_stages
from flows.steps.project.recorded_run import record_run
from flows.steps.project.workspace import bring_clone, commit, configure_dvc
from flows.steps.release.measured_rows import hand_in_rows
from flows.steps.release.promote import EVIDENCE, TREE, is_open, read_evidence
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.dvc_files import cache_of
from infra.demo.gate import ALIAS
from infra.demo.people import APPROVERS
from infra.demo.scene import COMMITTER, Scene
from infra.demo.screen import Report

LOWER = 0.7
"""The share of the champion's threshold that is asked for."""
CLONE = "threshold"


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
    before = read_model_params(project, scene.case.label.kind).package.threshold
    if before is None:
        return {"open_request": "none: what this model answers has no threshold"}
    after = round(before * LOWER, 2)
    report(f"asking for the champion with the threshold {after} in place of {before}")
    lowered = _lower(scene, project, after, report)
    request = _ask(scene, lowered, f"Calls from {after} on in place of {before}; the same model otherwise.")
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


def _lower(scene: Scene, project: Path, after: float, report: Report) -> Path:
    """Return a clone of the project whose package has the threshold `after`, made by its pipeline and committed."""
    home = scene.settings.home
    folder = home / "retrain" / CLONE
    bring_clone(project, folder, COMMITTER)
    configure_dvc(folder, home / "dvc-remote", cache_of(project))
    change_params(folder, {"package": {"threshold": after}})
    commit(folder, f"Call from {after} on", [PARAMS], COMMITTER)
    check_tracked_files(folder)
    stages = [stage.name for stage in read_graph(folder)]
    run_stages(folder, stages, scene.author.tracking, report)
    record_run(folder, {}, COMMITTER)
    return folder


def _ask(scene: Scene, folder: Path, reason: str) -> dict[str, Any]:
    desk = scene.author
    if asked := desk.requests_for(ALIAS, tree_digest(folder / TREE)):
        return asked[-1]
    registered = desk.register(folder)
    # A comparison that the clone inherited is about another version.
    evidence = {name: content for name, content in read_evidence(folder).items() if name in EVIDENCE}
    snapshot = hand_in_rows(desk, folder, registered.model, ALIAS)
    return desk.ask(registered, ALIAS, reason, evidence, snapshot)
