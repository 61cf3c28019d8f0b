"""Steps 9 to 11: five months of production, what monitoring finds in them, and the retraining that follows."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from flows.steps.monitoring import monitor as monitoring
from flows.steps.monitoring.events import emit, write_pages
from flows.steps.release.deploy import deploy
from flows.steps.release.promote import TREE, is_open
from flows.steps.release.serving import await_bento
from flows.steps.replay import run as replaying
from flows.steps.replay.bulk import score_the_rest
from flows.steps.replay.skew import compare_features
from flows.steps.replay.truth import KIND
from flows.steps.retraining import challenge as retraining
from handrail.bootstrap.approvals import tree_digest
from handrail.clock import parse_moment
from handrail.errors import HandrailError, Unavailable, UnknownReference
from infra.demo.gate import ALIAS, sign_off
from infra.demo.scene import Scene
from infra.demo.screen import Report

Figures = dict[str, object]
MONTHS = ("2013-08", "2013-09", "2013-10", "2013-11", "2013-12")
RETRAINED_WITHIN_S = 900
SERVED_WITHIN_S = 180
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def replay(scene: Scene, report: Report) -> Figures:
    """Play whole days hour by hour over HTTP, score the other flights in bulk, and record all outcomes."""
    settings, judged = scene.settings, scene.found["judged"]

    def progress(done: int, total: int, what: str) -> None:
        report(f"hour {done} of {total}: {what}")

    bulk: Mapping[str, Any] = {}
    if judged == scene.found["deployed"].deployment.uri:
        played = replaying.replay(settings, scene.days, progress)
        report("scoring the other flights in bulk")
        bulk = score_the_rest(settings, scene.days)
    else:
        played = replaying.finished_figures(settings, judged, scene.days) or {}
    skew = compare_features(settings)
    scene.found["prediction_id"] = _some_prediction(scene)
    return {
        "days": scene.days,
        **played,
        **{f"bulk_{name}": value for name, value in bulk.items()},
        "predictions": scene.platform.feedback.count_predictions([judged])[judged],
        "online_values_unlike_training": f"{skew['different']} of {skew['values']}",
    }


def _some_prediction(scene: Scene) -> str:
    """Return the id of the first replayed prediction whose outcome is known."""
    start = parse_moment(str(scene.found["params"]["go_live"]))
    deployment = scene.found["judged"]
    feedback = scene.platform.feedback
    for days in (7, 31, 153):
        end = start + timedelta(days=days)
        cohort = feedback.cohort(deployment, KIND, start, end, end + feedback.kind(KIND).maturity_window)
        for prediction_id, label in zip(cohort.prediction_id, cohort.label, strict=True):
            if label is not None:
                return str(prediction_id)
    raise Unavailable("The replay", f"no outcome of {deployment} is known", "See the bento's log.")


def monitor(scene: Scene, report: Report) -> Figures:
    """Judge each month on mature labels; the flow `monitor` writes reports, findings, artifacts and events."""
    report("waiting for Prefect and its worker")
    scene.servers.wait_ready("prefect")
    scene.servers.wait_ready("worker")
    scene.found["monitoring_began"] = time.time()
    records = []
    for month in MONTHS:
        report(month)
        records.append(_monitored(scene, month))
    scene.found["records"] = records
    rows: Figures = {}
    for record in records:
        seen, alerts = record["performance"], monitoring.alerts(record)
        rows[record["month"]] = (
            f"ROC-AUC {seen['roc_auc']:.3f}, late {seen['base_rate']:.3f}, coverage {seen['coverage']:.3f}, "
            f"score PSI {record['drift']['score_psi']:.2f}, "
            f"{' and '.join(alert['kind'] for alert in alerts) + ' alert' if alerts else 'ok'}"
        )
    return rows | {"all_months_roc_auc": _pooled_roc_auc(scene)}


def _monitored(scene: Scene, month: str) -> dict[str, Any]:
    """Return a month's record: that of before if it is about the same deployment, else of a run of the flow."""
    from flows.monitor import MonitorParameters
    from flows.monitor import monitor as flow

    try:
        known = monitoring.read_record(scene.settings, month)
    except UnknownReference:
        known = {}
    if known.get("deployment") == scene.found["judged"]:
        return known
    if scene.found.get("alerted"):
        # One alert is answered at a time: later months of this model are only recorded.
        record = monitoring.monitor(scene.settings, month)
        write_pages(record)
        return record
    record = flow(MonitorParameters(month=month))
    scene.found |= {"announced": True, "alerted": bool(retrainable(record))}
    return record


def _pooled_roc_auc(scene: Scene) -> float:
    """Return the ROC-AUC of every mature, labelled forecast since go-live."""
    from sklearn.metrics import roc_auc_score

    start = parse_moment(str(scene.found["params"]["go_live"]))
    feedback = scene.platform.feedback
    end = start + timedelta(days=366)
    judged = feedback.cohort(scene.found["judged"], KIND, start, end, scene.platform.event_clock()).judged()
    return float(roc_auc_score(judged.label, judged.score))


def retrain(scene: Scene, report: Report) -> Figures:
    """See the first alert start the flow `retrain`, let the gate judge both challengers, deploy what was promoted."""
    finding = first_alert(scene.found["records"])
    run = "answered in an earlier run"
    if not _is_answered(scene, finding):
        if not scene.found.get("announced"):
            emit(finding)
        report("a challenger that knows only the schedule tries")
        retraining.retrain(scene.author, finding["month"], "schedule", report)
        run = wait_for_flow(scene, "retrain", scene.found["monitoring_began"], report)
    comparison = _comparison(scene)
    poor = _request_of(scene, "schedule")
    request = sign_off(scene, _request_of(scene, "project"))
    figures: Figures = {
        "because": f"{finding['month']} {finding['kind']}: {finding['figure']} {finding['value']:.3f}",
        "flow_run": run,
        "challenger_against_champion": f"ROC-AUC {comparison['delta']:+.4f}, at least {comparison['ci_low']:+.4f}",
        "flights_compared": comparison["n"],
        "verdict": request["verdict"],
        "schedule_only": poor["verdict"],
        "schedule_only_because": " ".join(poor["reasons"]),
    }
    if request["verdict"] == "promoted":
        report("deploying the new champion")
        scene.author.fetch_permit(request)
        figures["deployment"] = _redeploy(scene, request["tree_digest"])
    return figures


def _is_answered(scene: Scene, finding: Mapping[str, Any]) -> bool:
    """Say whether both challengers to that finding were judged before, about the deployment that is judged now."""
    try:
        comparison = _comparison(scene)
        closed = not any(is_open(_request_of(scene, clone)) for clone in ("project", "schedule"))
    except (OSError, HandrailError):
        return False
    return closed and (comparison["month"], comparison["champion"]) == (finding["month"], scene.found["judged"])


def first_alert(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the earliest finding of kind drift or performance that asks somebody to act.

    Raises:
        Unavailable: every month is well, so that nothing has to be retrained.
    """
    for record in records:
        for finding in retrainable(record):
            return dict(finding)
    raise Unavailable("Monitoring", "no month raised an alert", "Lower a limit in config/monitoring.yaml.")


def retrainable(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a month's alerts of the kinds that the automation answers with a retraining."""
    return [alert for alert in monitoring.alerts(dict(record)) if alert["kind"] in ("drift", "performance")]


def wait_for_flow(scene: Scene, flow: str, began: float, report: Report) -> str:
    """Wait until the first run of that flow, started after `began` by an automation, ends; return its name and state.

    Raises:
        Unavailable: none started, or it failed or did not end in time.
    """
    deadline = time.monotonic() + RETRAINED_WITHIN_S
    while time.monotonic() < deadline:
        run = _first_run(scene, flow, began)
        if run is not None and run["state_type"] in ENDED:
            if run["state_type"] != "COMPLETED":
                raise Unavailable(f"The flow {flow}", f"it ended {run['state_name']}", "See its log in the Prefect UI.")
            return f"{run['name']} {run['state_name'].lower()}"
        report(f"flow {flow}: {run['state_name'] if run else 'the automation has not started it yet'}")
        time.sleep(1)
    raise Unavailable(f"The flow {flow}", f"it did not end within {RETRAINED_WITHIN_S} s", "See the Prefect UI.")


def _first_run(scene: Scene, flow: str, began: float) -> dict[str, Any] | None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began - 1))
    answer = httpx.post(
        f"{scene.settings.url('prefect')}/api/flow_runs/filter",
        json={
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {"expected_start_time": {"after_": moment}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": 1,
        },
        timeout=30,
    )
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found[0] if found else None


def _comparison(scene: Scene) -> dict[str, Any]:
    file = scene.settings.home / "retrain" / "project" / "reports" / "comparison.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _request_of(scene: Scene, clone: str) -> dict[str, Any]:
    """Return the newest promotion request of the tree that a clone below home/retrain holds."""
    digest = tree_digest(scene.settings.home / "retrain" / clone / TREE)
    asked = scene.author.requests_for(ALIAS, digest)
    if not asked:
        raise Unavailable("The retraining", f"it asked for no promotion of {digest}", "See the flow's log in Prefect.")
    return asked[-1]


def _redeploy(scene: Scene, digest: str) -> str:
    deployed = deploy(scene.author, digest)
    if deployed.deployment == scene.found["deployed"].deployment:
        return deployed.deployment.uri
    serving = await_bento(scene.settings.url("bento"), deployed.bento, SERVED_WITHIN_S)
    if not serving.answers:
        raise Unavailable("The bento", serving.sentence.rstrip("."), f"Its log is {scene.servers.log_of('bento')}.")
    return deployed.deployment.uri
