"""Step 14: from one prediction back to bytes, from one raw file forward, and whether every prediction traces."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx

from handrail.bootstrap.lineage_doctor import open_doctor
from handrail.bootstrap.lineage_events import open_access
from handrail.errors import Refused, UnknownReference
from handrail.files import PRIVATE, replace_file
from handrail.lineage import Coverage, sections_of
from infra.demo.scene import Scene
from infra.demo.screen import Report
from infra.demo.training import subject_files

Figures = dict[str, object]
HOLDER = "demo"
CHAIN = (
    "deployment",
    "bento",
    "permit and approvers",
    "model version",
    "MLflow run",
    "training set",
    "feature views",
    "validation",
    "DVC data",
    "git commit",
)
"""What a complete trace passes, from the prediction back to bytes."""


def trace(scene: Scene, report: Report) -> Figures:
    """Follow a prediction back, require each kind of hop, follow a raw file forward, and count what traces."""
    scene.servers.start("lineage")
    prediction = str(scene.found["prediction_id"])
    report(f"tracing {prediction}")
    back = scene.platform.lineage.trace(prediction)
    passed = {section.title for section in sections_of(back) if section.hops}
    if missing := [title for title in CHAIN if title not in passed]:
        raise Refused("The trace", (f"It does not reach {', '.join(missing)}.",))
    raw = raw_file(scene)
    report(f"impact of {raw}")
    forward = scene.platform.lineage.impact(raw)
    report("following every deployment's predictions back")
    covered = _require_all(open_doctor(scene.platform.store, scene.platform.feedback).coverage())
    report("asking the same over HTTP")
    _require_same(_ask(scene, "trace", prediction)["hops"], len(back.edges))
    _require_same(_ask(scene, "impact", raw)["total_predictions"], forward.total)
    return {
        "prediction": prediction,
        "nodes": len(back.nodes),
        "proven_hops": f"{back.proven} of {len(back.edges)}",
        "passes": list(CHAIN),
        "predictions_that_trace": f"{covered.traced:,} of {covered.predictions:,}",
        "impact_of": raw,
        "predictions_touched": forward.total,
        "look": f"handrail lineage trace {prediction}",
    }


def raw_file(scene: Scene) -> str:
    """Return a raw file that training read: a third into those that hold what is predicted about."""
    names = subject_files(scene.read_json("data/raw/manifest.json"), scene.case.subject.many)
    return f"data/raw/{names[len(names) // 3]}"


def _require_all(covered: Coverage) -> Coverage:
    if covered.traced < covered.predictions or not covered.predictions:
        untraced = covered.predictions - covered.traced
        reason = f"{untraced:,} of {covered.predictions:,} predictions lead to no commit and data."
        raise Refused("The trace", (reason, "Ask why: handrail lineage check."))
    return covered


def _require_same(over_http: int, here: int) -> None:
    if over_http != here:
        raise Refused("The trace", (f"Over HTTP it is {over_http}, here {here}.",))


def _ask(scene: Scene, question: str, ref: str) -> dict[str, Any]:
    """Ask `handrail serve`, as any tool would."""
    scene.servers.wait_ready("lineage")
    url = f"http://{scene.settings.host}:{scene.settings.ports.lineage}/api/v1/lineage/{question}"
    headers = {"authorization": f"Bearer {_token(scene)}"}
    answer = httpx.get(url, params={"ref": ref}, headers=headers, timeout=60, trust_env=False)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _token(scene: Scene) -> str:
    """Return the demo's bearer token, made at its first use and stored readable by the owner alone."""
    file = scene.settings.credentials / "lineage-token.json"
    access = open_access(scene.platform.store)
    if file.is_file():
        token = str(json.loads(file.read_text(encoding="ascii"))["token"])
        if access.holder_of(token):
            return token
    with suppress(UnknownReference):  # at the first run there is none yet
        access.revoke(HOLDER)
    token = access.create(HOLDER)
    replace_file(file, json.dumps({"holder": HOLDER, "token": token}).encode("ascii"), mode=PRIVATE)
    return token
