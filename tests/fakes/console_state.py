"""What the console's pages show on a server where something is there to be seen: an emergency, rows, a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml

from handrail.approvals import Reviewing
from handrail.approvals.domain.events import Evaluated
from handrail.bootstrap import Platform
from handrail.bootstrap.approvals import server_name
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Shown
from handrail.refs import Deployment, ModelVersion
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World
from tests.fakes.feedback import GO_LIVE, a_prediction, an_outcome
from tests.fakes.labelled_rows import labelled_rows, write_rows
from tests.fakes.mlflow_server import Made, Server

ALIAS = "hotfix"
POLICY = {
    "version": 2,
    "alias": ALIAS,
    "quorum": {"ml-engineer": 1, "business-stakeholder": 1},
    "break_glass": ["data-engineer"],
    "break_glass_hours": 2,
    "rules": [{"measure": "evaluation.roc_auc", "at_least": 0.74, "level": "claimed"}],
}
WORSE = {"column": "hour", "value": "11", "label": "departs at 11 h", "rows": 1500, "champion": 0.71} | {
    "candidate": 0.69,
    "delta": -0.016,
    "low": -0.05,
    "high": -0.003,
    "found_champion": 0.2,
    "found_candidate": 0.1,
    "worse": True,
}
CASES = {
    "rows": 26857,
    "clusters": 30,
    "main": "roc_auc",
    "measures": [
        {"name": "roc_auc", "label": "ROC-AUC", "about": "ranks cases", "better": "higher", "unit": ""}
        | {"champion": 0.7434, "candidate": 0.7461, "delta": 0.0027, "low": -0.0026, "high": 0.0073},
        {"name": "found", "label": "Late flights found", "about": "of all late ones", "better": "higher"}
        | {"unit": "share", "champion": 0.244, "candidate": 0.243, "delta": -0.001, "low": -0.028, "high": 0.026},
    ],
    "groups": [WORSE, *(WORSE | {"label": f"departs at {hour:02} h", "worse": False} for hour in range(12, 23))],
    "silent": ["departs at 06 h"],
}
"""Both versions on the same cases, with groups; one more than a page shows unfolded."""


@contextmanager
def hotfix(server: Server) -> Iterator[Made]:
    """Give a model of which the alias `hotfix` points at version 2, after version 1, and a third version is there.

    Dora may break the glass for it, Ben and Cleo approve.
    """
    policy = server.settings.config / "policies" / f"{ALIAS}.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    server.write_roles()
    made = server.make_version()
    for _ in range(2):
        request_id = made.ask(alias=ALIAS)["request_id"]
        made.say(request_id, "ben")
        assert made.say(request_id, "cleo")["verdict"] == "promoted"
        made = server.make_version(name=made.name)
    try:
        yield made
    finally:
        policy.unlink()
        server.take_files()


@contextmanager
def emergency(server: Server, made: Made, version: int = 1) -> Iterator[str]:
    """Break the glass as Dora; give the id of the request that confirms it, which ends it afterwards."""
    with server.gate("dora") as gate:
        broken = gate.break_glass(model=made.name, version=version, alias=ALIAS, reason="it answers nothing")
    try:
        yield str(broken["confirmation"])
    finally:
        for account in ("ben", "cleo"):
            made.say(broken["confirmation"], account)


@contextmanager
def rows_to_confirm(server: Server, made: Made, folder: Path) -> Iterator[str]:
    """Hand in rows as Ada that an ml-engineer has to confirm; give their digest."""
    plans = server.settings.config / "evaluation.yaml"
    before = plans.read_text() if plans.exists() else None
    plans.write_text(yaml.safe_dump({"version": 1, "models": {made.name: {"custody": ["ml-engineer"]}}}))
    server.take_files()
    try:
        with server.gate("ada") as gate:
            yield gate.hand_in(made.name, write_rows(folder / "rows.parquet", labelled_rows(seed=7)))
    finally:
        if before is None:
            plans.unlink()
        else:
            plans.write_text(before)
        server.take_files()


def propose_a_change(server: Server) -> str:
    """Propose other roles as Ada; return the id of the change. The files are as before afterwards."""
    roles = server.settings.config / "roles.yaml"
    before = roles.read_text()
    said = yaml.safe_load(before)
    said["persons"]["Zed"] = {"accounts": ["zed"], "roles": ["ml-engineer"]}
    roles.write_text(yaml.safe_dump(said))
    try:
        with server.gate("ada") as gate:
            return str(gate.rules.propose("Zed joins the team")["change_id"])
    finally:
        roles.write_text(before)


def deploy(server: Server, made: Made) -> None:
    """Deploy a version twice, with 200 predictions of which most have an outcome."""
    own = ModelVersion(server_name(server.settings), made.name, 7, 1).uri
    with Platform(server.settings) as platform:
        for rollout in (1, 2):
            deployment = Deployment("local", made.name, f"v{rollout}")
            platform.feedback.register_deployment(deployment.uri, None, own, None, GO_LIVE)
            since = datetime(2026, 11, rollout, tzinfo=UTC)
            platform.lineage.point(f"deploy://local/{made.name}", deployment, since, by="ada")
            name = f"{made.name}-{rollout}"
            predictions = [
                a_prediction(number, deployment=deployment.uri, prediction_id=f"{name}-{number}")
                for number in range(100)
            ]
            platform.feedback.record_predictions(predictions)
            platform.feedback.record_feedback([an_outcome(each, n % 2) for n, each in enumerate(predictions) if n % 10])


def request_with_groups() -> str:
    """Return the page of a request of which the gate measured both versions, also by groups, for who may decide."""
    world, now = World(), datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
    world.promote(1)
    world.register(2)
    request_id = world.ask(version=2, evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})
    own = {"evaluation": {"roc_auc": 0.7461, "roc_auc_low": 0.735, "roc_auc_high": 0.758}}
    measured = Evaluated(now, "sha256:" + "a" * 64, measures=own, custodians=("ada",), cases=CASES)
    view = world.gate.records.view(world.ledger.load(request_id).then(measured))
    reviewers = Reviewing(world.rules).of(view, "cleo")
    named = world.rules.directory().named
    page = request_page(Shown(view, reviewers, {}, now, tokens={"decision": "1.a"}, named=named))
    return render(page, Frame(now, "Cleo", ("business-stakeholder",), "local-1"))
