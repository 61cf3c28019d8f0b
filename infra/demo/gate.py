"""Steps 7 and 8: through the approval gate to bytes that may be served, and what happens to other bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from flows.steps.project.accounts import Account, read_account
from flows.steps.release import deploy, promote
from flows.steps.release.incumbent import compare_with_incumbent, digest_behind
from flows.steps.replay.run import finished_figures
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.errors import Refused
from handrail.http import GateClient
from handrail.settings import Settings
from infra.demo.people import APPROVERS, AUTHOR, Person, credentials_name
from infra.demo.scene import Scene
from infra.demo.screen import Report

Figures = dict[str, object]
ALIAS = "champion"


def approve(scene: Scene, report: Report) -> Figures:
    """Register the tree, see a direct move refused, ask, and let two people decide."""
    settings = scene.settings
    report("registering the tree as one version")
    registered = promote.register(settings, scene.clone, credentials_name(AUTHOR))
    report("trying to set @champion directly, as the author")
    status, reason = set_alias_directly(settings, AUTHOR, registered.version)
    report("opening a promotion request")
    request = _promoted_before(settings, registered) or sign_off(settings, _ask(scene, registered))
    if request["verdict"] == "promoted":
        promote.fetch_permit(settings, credentials_name(AUTHOR), request)
    champion = digest_behind(settings, credentials_name(AUTHOR), ALIAS)
    if champion is None:
        raise Refused(f"Promoting {registered.model} version {registered.version}", tuple(request["reasons"]))
    scene.found |= {"registered": registered, "champion": champion}
    figures: Figures = {
        "version": f"{registered.model} v{registered.version}",
        "direct_attempt": f"{status} {reason}",
        "approved_by": [decision["person"] for decision in request["decisions"]],
        "verdict": request["verdict"],
        "tree": registered.tree_digest[:19],
    }
    if champion != registered.tree_digest:
        why = " ".join(request["reasons"]) if request["verdict"] != "promoted" else "It was promoted later."
        figures["champion_now"] = f"{champion[:19]}. {why}"
    return figures


def _promoted_before(settings: Settings, registered: promote.Registered) -> dict[str, Any] | None:
    """Return the request by which this very tree was promoted in an earlier run: it holds, nobody decides again."""
    login = login_of(settings, AUTHOR)
    with GateClient(settings.url("mlflow"), login.username, login.password) as gate:
        for request in gate.requests(ALIAS):
            if request["verdict"] == "promoted" and request["tree_digest"] == registered.tree_digest:
                return gate.request(request["request_id"])
    return None


def _ask(scene: Scene, registered: promote.Registered) -> dict[str, Any]:
    author = credentials_name(AUTHOR)
    evidence = promote.read_evidence(scene.clone)
    if found := compare_with_incumbent(scene.settings, scene.clone, author, ALIAS):
        evidence["comparison"] = found
    return promote.open_request(scene.settings, registered, author, ALIAS, ("The model of the demo.", evidence))


def set_alias_directly(settings: Settings, person: Person, version: int) -> tuple[int, str]:
    """Try to walk around the gate over MLflow's REST API; return the server's status and reason.

    Raises:
        Refused: the server let it happen, so the demo must not go on.
    """
    login = login_of(settings, person)
    answer = httpx.post(
        f"{settings.url('mlflow')}/api/2.0/mlflow/registered-models/alias",
        json={"name": settings.model_name, "alias": ALIAS, "version": str(version)},
        auth=(login.username, login.password),
        timeout=60,
    )
    if answer.status_code != 403:
        raise Refused("The demo", (f"MLflow answered {answer.status_code} to an author who set @{ALIAS} directly.",))
    return answer.status_code, str(answer.json().get("message", answer.text))


def login_of(settings: Settings, person: Person) -> Account:
    """Return the person's own login on the MLflow server."""
    return read_account(settings, credentials_name(person))


def sign_off(settings: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
    """Let each approver decide by an HTTP call with an own login; a request that is closed stays as it is."""
    current = dict(request)
    for person in APPROVERS:
        if not promote.is_open(current):
            break
        login = login_of(settings, person)
        with GateClient(settings.url("mlflow"), login.username, login.password) as gate:
            current = gate.decide(current["request_id"], "approve", f"Evidence read by {person.name}.")
    return current


def serve(scene: Scene, report: Report) -> Figures:
    """Build the champion's bento, see altered bytes refused, and serve the permitted ones."""
    report("building the bento")
    deployed = deploy.deploy(scene.platform, scene.found["champion"], credentials_name(AUTHOR))
    report("flipping one byte of each file, one after another")
    permit_file = deploy.find_permit(scene.settings, scene.found["champion"])
    permit = open_permit_verifier(scene.settings).read(permit_file)
    with deploy.lend_tree(scene.settings, permit, credentials_name(AUTHOR)) as tree:
        refusals = refuse_altered(scene.settings, tree, permit_file)
    report("starting the bento")
    scene.servers.start("bento")
    scene.servers.start("worker")
    scene.servers.wait_ready("bento", path="/readyz")
    scene.found |= {"deployed": deployed, "judged": judged_deployment(scene, deployed.deployment.uri)}
    return {
        "bento": deployed.bento.uri,
        "deployment": deployed.deployment.uri,
        "altered_trees_refused": f"{len(refusals)} of {len(refusals)}, for example: {refusals[-1]}",
        "ready": True,
    }


def judged_deployment(scene: Scene, serving: str) -> str:
    """Return the deployment that production is replayed with: that of this run's tree if it was replayed before.

    After the retraining of an earlier run another model serves; what the first one forecast stays what is judged.
    """
    tree = scene.found["registered"].tree_digest
    mine = [known.uri for known in scene.platform.feedback.deployments() if known.tree_digest == tree]
    finished = [uri for uri in mine if finished_figures(scene.settings, uri, scene.days) is not None]
    return finished[-1] if finished else serving


def refuse_altered(settings: Settings, tree: Path, permit: Path) -> list[str]:
    """Flip one byte in each file of copies of the tree; return the verifier's sentences.

    Raises:
        Refused: an altered tree passed.
    """
    verifier = open_permit_verifier(settings)
    refusals = []
    files = sorted(str(file.relative_to(tree)) for file in tree.rglob("*") if file.is_file())
    for name in files:
        with tempfile.TemporaryDirectory(prefix="handrail-altered-") as folder:
            copy = Path(folder) / "tree"
            shutil.copytree(tree, copy)
            content = bytearray((copy / name).read_bytes() or b" ")
            content[len(content) // 2] ^= 1
            (copy / name).write_bytes(content)
            try:
                verifier.verify(copy, permit, Path(folder) / "private")
            except Refused as err:
                if f"'{name}'" not in err.reasons[0]:
                    raise
                refusals.append(err.reasons[0])
                continue
            raise Refused("The demo", (f"A tree with one byte of {name} flipped was accepted.",))
    return refusals
