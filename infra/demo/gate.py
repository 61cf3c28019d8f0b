"""Steps 7 and 8: through the approval gate to bytes that may be served, and what happens to other bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.promote import Registered, is_open
from flows.steps.replay.run import finished_figures
from handrail.bootstrap.approvals import project_use
from handrail.bootstrap.delivery import open_permits
from handrail.errors import Refused
from infra.demo import ahead, as_flows
from infra.demo.forging import refuse_forged
from infra.demo.people import APPROVERS
from infra.demo.scene import Scene
from infra.demo.screen import Report
from infra.demo.tampering import find_edited_leaf, refuse_altered, refuse_another_use

Figures = dict[str, object]
ALIAS = "champion"


def approve(scene: Scene, report: Report) -> Figures:
    """Register the tree, see a direct move refused, ask, and let two people decide."""
    desk = scene.author
    report("registering the tree as one version")
    registered = desk.register(scene.clone)
    report("trying to set @champion directly, as the author")
    status, reason = set_alias_directly(desk, registered.version)
    report("claiming a number that a weaker model does not have")
    forged = refuse_forged(desk, scene.clone, ALIAS, scene.case.label.kind, scene.case.metrics.main)
    report("opening a promotion request")
    request = _promoted_before(desk, registered)
    if request is None:
        asked = as_flows.ask(scene, desk, ALIAS, registered.tree_digest)
        report("the flow promote waits, two people decide")
        request = as_flows.decided(scene, desk, sign_off(scene, asked)["request_id"])
    if request["verdict"] == "promoted":
        desk.fetch_permit(request)
    champion = desk.digest_behind(ALIAS)
    if champion is None:
        raise Refused(f"Promoting {registered.model} version {registered.version}", tuple(request["reasons"]))
    scene.found |= {"registered": registered, "champion": champion}
    figures: Figures = {
        "version": f"{registered.model} v{registered.version}",
        "direct_attempt": f"{status} {reason}",
        "forged_number": forged,
        "approved_by": [decision["person"] for decision in request["decisions"]],
        "verdict": request["verdict"],
        "tree": registered.tree_digest[:19],
    }
    if champion != registered.tree_digest:
        why = " ".join(request["reasons"]) if request["verdict"] != "promoted" else "It was promoted later."
        figures["champion_now"] = f"{champion[:19]}. {why}"
    return figures


def _promoted_before(desk: Desk, registered: Registered) -> dict[str, Any] | None:
    """Return the request by which this very tree was promoted in an earlier run: it holds, nobody decides again."""
    for request in desk.requests_for(ALIAS, registered.tree_digest):
        if request["verdict"] == "promoted":
            return desk.gate.request(request["request_id"])
    return None


def set_alias_directly(desk: Desk, version: int) -> tuple[int, str]:
    """Try to avoid the gate over MLflow's REST API; return the server's status and reason.

    Raises:
        Refused: the server let it happen, so the demo must stop.
    """
    answer = desk.server.post(
        "/api/2.0/mlflow/registered-models/alias",
        json={"name": desk.settings.model_name, "alias": ALIAS, "version": str(version)},
    )
    if answer.status_code != 403:
        raise Refused("The demo", (f"MLflow answered {answer.status_code} to an author who set @{ALIAS} directly.",))
    return answer.status_code, str(answer.json().get("message", answer.text))


def sign_off(scene: Scene, request: Mapping[str, Any]) -> dict[str, Any]:
    """Let each approver decide by an HTTP call with their own login; a request that is closed stays as it is."""
    current = dict(request)
    for person in APPROVERS:
        if not is_open(current):
            break
        current = scene.desk(person).approve(current["request_id"], f"Evidence read by {person.name}.")
    return current


def serve(scene: Scene, report: Report) -> Figures:
    """Build the champion's bento, see altered bytes refused, and serve the permitted ones."""
    report("building the bento")
    deployed = as_flows.deploy(scene.found["champion"])
    report("starting the bento")
    scene.servers.start("bento")
    permits = open_permits(scene.settings)
    use = project_use(scene.settings)
    permit = permits.find(scene.found["champion"], use)
    with scene.author.lend(permits.read(permit)) as tree:
        report("flipping one byte of each file, one after another")
        refusals = refuse_altered(permits, tree, permit, use)
        report("loading the champion's bytes for another use")
        other_use = refuse_another_use(permits, tree, permit, use)
    report("editing one leaf in a copy of the gate's log")
    edited = find_edited_leaf(scene.settings)
    scene.outcome("production")
    serving = deployed["deployment"]
    judged = judged_deployment(scene, serving)
    if judged == serving:
        scene.begin("scored", lambda: ahead.score_live_rows(scene.settings, serving))
    report("waiting for the bento")
    scene.servers.wait_ready("bento", path="/readyz")
    scene.found |= {"deployed": serving, "judged": judged}
    return {
        "bento": deployed["bento"],
        "deployment": serving,
        "altered_trees_refused": f"{len(refusals)} of {len(refusals)}, for example: {refusals[-1]}",
        "other_use_refused": other_use,
        "edited_leaf": edited,
        "ready": True,
    }


def judged_deployment(scene: Scene, serving: str) -> str:
    """Return the deployment that production is replayed with: that of this run's tree if it was replayed before.

    After the retraining of an earlier run another model serves; what the first one forecast stays what is judged.
    """
    tree = scene.found["registered"].tree_digest
    mine = [known.uri for known in scene.platform.feedback.deployments() if known.tree_digest == tree]
    finished = [uri for uri in mine if finished_figures(scene.settings, uri, scene.days, scene.kept) is not None]
    return finished[-1] if finished else serving
