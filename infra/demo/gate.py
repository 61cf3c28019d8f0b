"""Steps 7 and 8: through the approval gate to bytes that may be served, and what happens to other bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from flows.steps import deploy, promote
from flows.steps.accounts import Account, read_account
from flows.steps.incumbent import compare_with_incumbent
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.entrypoints.approvals_client import ApprovalsClient
from handrail.errors import Refused
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
    evidence = promote.read_evidence(scene.clone)
    if found := compare_with_incumbent(settings, scene.clone, credentials_name(AUTHOR), ALIAS):
        evidence["comparison"] = found
    request = promote.open_request(
        settings, registered, credentials_name(AUTHOR), ALIAS, ("The first model of the demo.", evidence)
    )
    report("two people decide")
    request = sign_off(settings, request)
    permit = promote.fetch_permit(settings, credentials_name(AUTHOR), request)
    scene.found |= {"registered": registered, "request": request, "permit": permit}
    return {
        "version": f"{registered.model} v{registered.version}",
        "direct_attempt": f"{status} {reason}",
        "approved_by": [person.name for person in APPROVERS],
        "verdict": request["verdict"],
        "tree": registered.tree_digest[:19],
    }


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
        with ApprovalsClient(settings.url("mlflow"), login.username, login.password) as gate:
            current = gate.decide(current["request_id"], "approve", f"Evidence read by {person.name}.")
    return current


def serve(scene: Scene, report: Report) -> Figures:
    """Build the bento, see altered bytes refused, and serve the permitted ones."""
    report("building the bento")
    deployed = deploy.deploy(scene.platform, scene.found["registered"].tree_digest)
    report("flipping one byte of each file, one after another")
    refusals = refuse_altered(scene.settings, scene.clone / deploy.PACKAGE, scene.found["permit"])
    report("starting the bento")
    scene.servers.start("bento")
    scene.servers.wait_ready("bento", path="/readyz")
    scene.found["deployed"] = deployed
    return {
        "bento": deployed.bento.uri,
        "deployment": deployed.deployment.uri,
        "altered_trees_refused": f"{len(refusals)} of {len(refusals)}, for example: {refusals[-1]}",
        "ready": True,
    }


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
                refusals.append(err.reasons[0])
                continue
            raise Refused("The demo", (f"A tree with one byte of {name} flipped was accepted.",))
    return refusals
