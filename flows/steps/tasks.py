"""What the tasks of the flows do, one call each: settings are read, a clone is opened, the step is carried out.

Steps are imported where they are called, so that loading a flow (to deploy it) loads no tool.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.steps.project import pipeline, recorded_run, workspace
from flows.steps.project.accounts import tracking_environment
from handrail.bootstrap import open_platform
from handrail.errors import Refused
from handrail.lineage import report_uri, snapshot_uri, tree_uri
from handrail.prefect import record
from handrail.settings import Settings, load_settings

if TYPE_CHECKING:
    from flows.steps.release.desk import Desk


def plan(project: Path | None, until: str | None) -> tuple[Path, tuple[pipeline.Stage, ...]]:
    """Open the clone to work in, check its tracked files, and return its folder and the stages in order."""
    folder = clone_of(project)
    _log_place(folder)
    stages = pipeline.read_graph(folder, until)
    pipeline.check_tracked_files(folder)
    return folder, stages


def run_stage(project: Path, stage: pipeline.Stage, account: str | None = None) -> dict[str, Any]:
    """Bring one stage up to date, logging to the MLflow server as `account` if one is named."""
    environment = tracking_environment(load_settings(), account)
    return {"stage": stage.name, "outcome": pipeline.run_stage(project, stage.name, environment, log)}


def record_run(project: Path, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Commit what the stages left, copy the data to the remote, write lineage. Safe to repeat."""
    return recorded_run.record_run(project, {result["stage"]: result["outcome"] for result in results})


def publish_features(project: Path) -> dict[str, int]:
    """Register the feature definitions and write online what became known by now; rows by view. Safe to repeat."""
    from feature_repo.online import write_known
    from feature_repo.store import apply, open_feature_store

    settings = load_settings().model_copy(update={"project": clone_of(project)})
    store = open_feature_store(settings)
    apply(store)
    with open_platform(settings) as platform:
        return write_known(store, None, platform.event_clock())


def register(project: Path | None, account: str) -> dict[str, Any]:
    """Make the clone's packaged tree one registered version, as `account`."""
    _log_place(clone_of(project))
    with at_desk(account) as desk:
        registered = desk.register(clone_of(project))
    with record(inputs=lambda: tree_uri(registered.tree_digest)):
        return asdict(registered)


def ask(project: Path | None, account: str, registered: Mapping[str, Any], alias: str, reason: str) -> dict[str, Any]:
    """Open the promotion request of a registered version, with the evidence that the clone holds."""
    from flows.steps.release.incumbent import ask_with_comparison
    from flows.steps.release.promote import Registered

    with at_desk(account) as desk:
        return ask_with_comparison(desk, clone_of(project), Registered(**registered), alias, reason)


def awaited() -> str | None:
    """Return the request that this flow run was suspended for, None if it was not."""
    from handrail.prefect import awaited_request

    return awaited_request()


def await_decision(account: str, request_id: str, within_s: float) -> dict[str, Any]:
    """Return the request once it was promoted; suspend the flow run while people decide.

    Raises:
        Refused: it ended otherwise, or nobody could resume this run.
    """
    from handrail.prefect import approval_gate

    with at_desk(account) as desk:
        return approval_gate(request_id, desk, within_s=within_s)


def wake(account: str) -> list[str]:
    """Resume each flow run that is suspended for a request which has ended, and log each."""
    from handrail.prefect import wake_decided

    with at_desk(account) as desk:
        woken = wake_decided(desk)
    for sentence in woken:
        log(sentence)
    return woken


def fetch_permit(account: str, request: Mapping[str, Any]) -> str:
    """Return the file of a promoted request's permit."""
    with at_desk(account) as desk:
        return str(desk.fetch_permit(request))


def deploy(tree_digest: str | None, account: str | None) -> dict[str, Any]:
    """Build and record the bento for a permitted tree, the packaged one if none is named."""
    from flows.steps.release.deploy import deploy as deploy_tree
    from flows.steps.release.promote import TREE
    from handrail.bootstrap.approvals import tree_digest as digest_of

    _log_place(clone_of(None))
    with at_desk(account or "mlflow-admin") as desk:
        deployed = deploy_tree(desk, tree_digest or digest_of(desk.settings.project / TREE))
    with record(inputs=lambda: tree_uri(deployed.tree_digest)) as run:
        if not deployed.reused:
            run.generated(deployed.bento, deployed.deployment)
    return {
        "deployment": deployed.deployment.uri,
        "bento": deployed.bento.uri,
        "model_version": deployed.model_version,
        "tree_digest": deployed.tree_digest,
        "reused": deployed.reused,
    }


def await_service(deployment: str, wait_s: float) -> str:
    """Wait until the running service follows a deployment; return, and log, a sentence that says so or what to do."""
    from flows.steps.release.deploy import slot_of
    from flows.steps.release.serving import await_bento

    settings = load_settings()
    sentence = await_bento(settings.url("bento"), slot_of(settings).tag_of(deployment), wait_s).sentence
    log(sentence)
    return sentence


def choose_month(month: str | None) -> str | None:
    """Return the month to monitor: the one named, else the newest that is mature; None while nothing was deployed."""
    from flows.steps.monitoring.month import due_month
    from handrail.use_case import read_use_case

    _log_place(clone_of(None))
    if month is not None:
        return month
    with open_platform() as platform:
        return due_month(platform, read_use_case(platform.settings.project))


def monitor(month: str) -> dict[str, Any]:
    """Judge a month and write its record."""
    from flows.steps.monitoring import monitor as steps
    from flows.steps.replay.log import ReplayLog, scored_months

    settings = in_clone()
    batches = ReplayLog(settings.home / "replay").batches()
    judged = steps.monitor(settings, month, batches, scored_months(settings.home))
    reports = [report_uri(judged["reports_project"], each["run_id"]) for each in judged["reports"]]
    with record(inputs=lambda: snapshot_uri("handrail", judged["snapshot"]), outputs=reports):
        return judged


def announce(record: dict[str, Any]) -> int:
    """Emit an event for each finding of a month's record, once for each judgement; return their number."""
    from flows.steps.monitoring.events import announce_once

    return announce_once(load_settings().home, record, report=log)


def show_in_mlflow(account: str) -> str:
    """Show on the versions in MLflow how they do in production; return, and log, what was done. Never fails."""
    from flows.steps.monitoring import production

    sentence = production.show_in_mlflow(in_clone(), account)
    log(sentence)
    return sentence


def check_month(month: str) -> str | None:
    """Return why a month cannot be monitored yet, None if it can."""
    from flows.steps.monitoring.month import mature_at, read_month
    from handrail.use_case import read_use_case

    with open_platform(in_clone()) as platform:
        case = read_use_case(platform.settings.project)
        return _refusal(lambda: mature_at(platform, read_month(month, case.time.zone), case))


def check_retrain(month: str, account: str, feature_set: str | None = None) -> str | None:
    """Return why no challenger may be trained on that month, None if one may."""
    from flows.steps.retraining import challenge as steps

    with at_desk(account) as desk:
        return _refusal(lambda: steps.check_retrain(desk, month, feature_set))


def _refusal(check: Callable[[], object]) -> str | None:
    try:
        check()
    except Refused as err:
        return str(err)
    return None


def prepare_retrain(month: str, feature_set: str | None) -> Any:
    """Make the challenger's clone, with labels of a feedback snapshot and parameters up to that month."""
    from flows.steps.retraining import challenge as steps

    with open_platform(in_clone()) as platform:
        challenge = steps.prepare_retrain(platform, month, feature_set)
    with record(inputs=lambda: snapshot_uri("handrail", challenge.snapshot)):
        return challenge


def train_challenger(challenge: Any, account: str) -> dict[str, str]:
    """Run the graph in the challenger's clone, logging as `account`; return each stage's outcome."""
    from flows.steps.retraining import challenge as steps

    with at_desk(account) as desk:
        return steps.train_challenger(desk, challenge, log)


def compare_with_champion(challenge: Any) -> dict[str, Any]:
    """Judge challenger and champion on the same mature subjects."""
    from flows.steps.retraining import challenge as steps

    with open_platform(in_clone()) as platform:
        return steps.compare_with_champion(platform, challenge)


def open_challenge(challenge: Any, account: str) -> dict[str, Any]:
    """Register the challenger and ask for its promotion, or begin its rollout, as config/retraining.yaml says.

    Returns the gate's answer, or how far the rollout is.
    """
    from flows.steps.retraining.challenge import open_challenge as ask_at_once
    from flows.steps.retraining.leading import begin_rollout
    from flows.steps.retraining.limits import goes_to_rollout

    with at_desk(account) as desk:
        begin = begin_rollout if goes_to_rollout(desk.settings.config) else ask_at_once
        return begin(desk, challenge)


def replay(days: int) -> dict[str, Any]:
    """Replay days against the running bento over HTTP, and score the other subjects in bulk."""
    from flows.steps.replay import run as steps
    from flows.steps.replay.bulk import score_the_rest

    settings = in_clone()
    _log_place(settings.project)
    return {"replayed": steps.replay(settings, days), "bulk": score_the_rest(settings, days)}


def clone_of(project: Path | None) -> Path:
    """Return the folder of the clone of `project`, the flows' own if None."""
    return workspace.open_workspace(load_settings(), project)


def _log_place(folder: Path) -> None:
    """Begin a flow's log with where it works and what is in force there."""
    from flows.steps.monitoring.place import place_of

    log(place_of(folder))


def in_clone() -> Settings:
    """Return the settings with the flows' clone as project."""
    return load_settings().model_copy(update={"project": clone_of(None)})


@contextmanager
def at_desk(account: str) -> Iterator[Desk]:
    """Open a desk in the flows' clone."""
    from flows.steps.release.desk import open_desk

    with open_desk(in_clone(), account) as desk:
        yield desk


def log(line: str) -> None:
    """Write a line into the log of the flow run, if this is one."""
    if "prefect" not in sys.modules:
        return
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    try:
        get_run_logger().info(line)
    except MissingContextError:
        return
