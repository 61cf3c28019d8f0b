"""Steps 9 to 11: months of production, what monitoring finds in them, and the retraining that follows."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, cast

import numpy as np

from flows.steps.monitoring import monitor as monitoring
from flows.steps.monitoring.events import emit, write_pages
from flows.steps.monitoring.findings import base_figure, measure
from flows.steps.monitoring.quality_report import RETRAINED
from flows.steps.release.promote import TREE, is_open
from flows.steps.release.serving import asker
from flows.steps.replay import run as replaying
from flows.steps.replay.bulk import score_the_rest
from flows.steps.replay.log import ReplayLog, scored_months
from flows.steps.replay.skew import compare_features
from flows.steps.retraining import challenge as retraining
from handrail.bootstrap.approvals import tree_digest
from handrail.clock import parse_moment
from handrail.errors import HandrailError, Unavailable, UnknownReference
from handrail.feedback import Cohort
from handrail.statistics import Answers
from handrail.use_case import UseCase
from infra.demo.closing import ONLY
from infra.demo.gate import ALIAS
from infra.demo.scene import Scene
from infra.demo.screen import Report

Figures = dict[str, object]
RETRAINED_WITHIN_S = 900
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def span_of(months: Sequence[str]) -> str:
    """Return the months as people name them, from the first to the last."""
    first, last = (f"{date.fromisoformat(f'{month}-01'):%B}" for month in (months[0], months[-1]))
    return first if len(months) == 1 else f"{first} to {last}"


def replay(scene: Scene, report: Report) -> Figures:
    """Play whole days hour by hour over HTTP, score the others in bulk, and record all outcomes."""
    settings, judged = scene.settings, scene.found["judged"]

    def progress(done: int, total: int, what: str) -> None:
        report(f"hour {done} of {total}: {what}")

    bulk: Mapping[str, Any] = {}
    if judged == scene.found["deployed"]:
        played = replaying.replay(settings, scene.days, progress, scene.kept)
        report(f"recording the other {scene.case.subject.many} in bulk")
        scene.outcome("scored")
        bulk = score_the_rest(settings, scene.days, scene.kept)
    else:
        played = replaying.finished_figures(settings, judged, scene.days, scene.kept) or {}
    skew = compare_features(settings)
    scene.found["prediction_id"] = _some_prediction(scene)
    return {
        "days": scene.days,
        **played,
        **{f"bulk_{name}": value for name, value in bulk.items()},
        "predictions": len(alone(scene)),
        "online_values_unlike_training": f"{skew['different']} of {skew['values']}",
    }


def alone(scene: Scene) -> Cohort:
    """Return what the judged deployment answered by itself: on kept days a split chose who answers."""
    start, now = parse_moment(str(scene.found["params"]["go_live"])), scene.platform.event_clock()
    kind = scene.case.label.feedback
    found = scene.platform.feedback.cohort(scene.found["judged"], kind, start, start + timedelta(days=366), now)
    return found.keep([not each for each in found.variant])


def _some_prediction(scene: Scene) -> str:
    """Return the id of the first replayed prediction whose outcome is known."""
    start = parse_moment(str(scene.found["params"]["go_live"]))
    deployment = scene.found["judged"]
    feedback, kind = scene.platform.feedback, scene.case.label.feedback
    for days in (7, 31, 366):
        end = start + timedelta(days=days)
        cohort = feedback.cohort(deployment, kind, start, end, end + feedback.kind(kind).maturity_window)
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
    for month in scene.months:
        report(month)
        records.append(_monitored(scene, month))
    scene.found["records"] = records
    rows: Figures = {}
    for record in records:
        rows[record["month"]] = line_of(record, scene.case)
    return rows | {f"all_months_{scene.case.metrics.main}": _pooled(scene)}


def line_of(record: Mapping[str, Any], case: UseCase) -> str:
    """Return what monitoring found in a month: the metric that decides, what happened, and who has to act."""
    seen, alerts, main = record["performance"], monitoring.alerts(dict(record)), case.main_metric
    base, named = base_figure(case)
    figures = (
        f"{main.title} {_shown(seen[main.name])}",
        f"{named} {_shown(seen[base])}",
        f"coverage {_shown(seen['coverage'])}",
        f"score PSI {record['drift']['score_psi']:.2f}",
        " and ".join(alert["kind"] for alert in alerts) + " alert" if alerts else "ok",
    )
    return ", ".join(figures)


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


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
        batches = ReplayLog(scene.settings.home / "replay").batches()
        record = monitoring.monitor(scene.settings, month, batches, scored_months(scene.settings.home))
        write_pages(record)
        return record
    # A run that ends as refused raises here.
    record = cast(dict[str, Any], flow(MonitorParameters(month=month)))
    scene.found |= {"announced": True, "alerted": bool(retrainable(record))}
    return record


def _pooled(scene: Scene) -> float | None:
    """Return the metric that decides, of every mature, labelled forecast since go-live."""
    case, now, cohort = scene.case, scene.platform.event_clock(), alone(scene).judged()
    answers, labels = Answers(cohort.score, cohort.predicted), np.array(cohort.label, dtype=np.float64)
    seen = measure(answers, labels, np.array(cohort.mature, dtype=bool), now, case.label.kind)
    return seen.metrics[case.metrics.main]


def retrain(scene: Scene, report: Report) -> Figures:
    """Retrain on the month of the first alert, and ask the gate for every challenger; some are refused at once.

    The alert starts the flow `retrain`. Without one it is the newest month, because it is mature.
    """
    finding = first_alert(scene.found["records"])
    month = finding["month"] if finding else scene.months[-1]
    run = "answered in an earlier run"
    if not _is_answered(scene, month):
        run = _retrained(scene, month, finding, report)
    comparison, title = comparison_of(scene), scene.case.main_metric.title
    figures: Figures = {
        "because": _because(finding) if finding else f"{month} is the newest mature month",
        "flow_run": run,
        "challenger_against_champion": f"{title} {comparison['delta']:+.4f}, at least {comparison['ci_low']:+.4f}",
        f"{scene.case.subject.many}_compared": comparison["n"],
    }
    for name in other_sets(scene):
        poor = request_of(scene, name)
        figures |= {f"{name}{ONLY}": poor["verdict"], f"{name}{ONLY}_because": " ".join(poor["reasons"])}
    return figures


def _retrained(scene: Scene, month: str, finding: Mapping[str, Any] | None, report: Report) -> str:
    """Let a challenger of each feature set try; return how the one of the default set was started, and how it ended."""
    if finding and not scene.found.get("announced"):
        emit(dict(finding))
    for name in other_sets(scene):
        report(f"a challenger that knows only the {name} tries")
        retraining.retrain(scene.author, month, name, report)
    if finding:
        return wait_for_flow(scene, "retrain", scene.found["monitoring_began"], report)
    report("no month raised an alert: retraining on the newest one")
    retraining.retrain(scene.author, month, report=report)
    return "started by the demo"


def other_sets(scene: Scene) -> list[str]:
    """Return the feature sets beside the default one; each has a challenger, in a clone of that name."""
    return [name for name in scene.case.features.sets if name != scene.case.features.default]


def _because(finding: Mapping[str, Any]) -> str:
    return f"{finding['month']} {finding['kind']}: {finding['figure']} {_shown(finding['value'])}"


def _is_answered(scene: Scene, month: str) -> bool:
    """Say whether every challenger of that month was asked for before, about the deployment that is judged now."""
    try:
        comparison = comparison_of(scene)
        closed = not any(is_open(request_of(scene, clone)) for clone in other_sets(scene))
        request_of(scene, "project")
    except (OSError, HandrailError):
        return False
    return closed and (comparison["month"], comparison["champion"]) == (month, scene.found["judged"])


def first_alert(records: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the earliest alert of a kind that a retraining answers, None if no month has one."""
    for record in records:
        for finding in retrainable(record):
            return dict(finding)
    return None


def retrainable(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a month's alerts of the kinds that the automation answers with a retraining."""
    return [alert for alert in monitoring.alerts(dict(record)) if alert["kind"] in RETRAINED]


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
                log = scene.servers.log_of("worker")
                raise Unavailable(f"The flow {flow}", f"it ended {run['state_name']}", f"Its log is {log}.")
            return f"{run['name']} {run['state_name'].lower()}"
        report(f"flow {flow}: {run['state_name'] if run else 'the automation has not started it yet'}")
        time.sleep(1)
    raise Unavailable(f"The flow {flow}", f"it did not end within {RETRAINED_WITHIN_S} s", "See the Prefect UI.")


def _first_run(scene: Scene, flow: str, began: float) -> dict[str, Any] | None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began - 1))
    answer = asker().post(
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


def comparison_of(scene: Scene) -> dict[str, Any]:
    """Return how the challenger of the default feature set compared with the champion on its month."""
    file = scene.settings.home / "retrain" / "project" / "reports" / "comparison.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def request_of(scene: Scene, clone: str) -> dict[str, Any]:
    """Return the newest promotion request of the tree that a clone below home/retrain holds."""
    digest = tree_digest(scene.settings.home / "retrain" / clone / TREE)
    asked = scene.author.requests_for(ALIAS, digest)
    if not asked:
        raise Unavailable("The retraining", f"it asked for no promotion of {digest}", "See the flow's log in Prefect.")
    return asked[-1]
