"""Records the runs of a Prefect server: times, states, what belongs to what, values passed on, assets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from handrail.entrypoints.prefect.collect.values import TASK, Asset, PrefectRun, Seen
from handrail.entrypoints.prefect.run import TOOL
from handrail.errors import HandrailError
from handrail.lineage import ActivityDetails, Lineage, artifact_at
from handrail.refs import ArtifactVersion, FlowDeployment, TaskRun

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|(?!sha256)[a-z0-9][a-z0-9-]*:[0-9a-f]+(\.dir)?")


@dataclass(frozen=True, slots=True)
class Touched:
    """The artifacts that one task run read and made."""

    used: tuple[ArtifactVersion, ...] = ()
    generated: tuple[ArtifactVersion, ...] = ()


def record_runs(lineage: Lineage, environment: str, seen: Seen, assets: Sequence[Asset]) -> list[str]:
    """Record everything that was seen; return a sentence for each run that lineage refuses."""
    touched = artifacts_of(assets)
    passed_on = {each for run in seen.task_runs for each in run.upstream}
    for plan in seen.plans:
        details = ActivityDetails(attributes={"name": plan.name, "flow": plan.flow}, asserted_by=TOOL)
        lineage.record_activity(FlowDeployment(environment, plan.deployment_id), "flow-deployment", details=details)
    refused = []
    for run in (*seen.flow_runs, *seen.task_runs):
        known = touched.get(run.run_id, Touched()) if run.kind == TASK else Touched()
        values = [result_of(environment, run.run_id)] if run.run_id in passed_on else []
        read = (*known.used, *(result_of(environment, each) for each in run.upstream))
        refused.append(_record(lineage, environment, run, Touched(read, (*known.generated, *values))))
    return [sentence for sentence in refused if sentence]


def result_of(environment: str, task_run_id: str) -> ArtifactVersion:
    """Return the value that a task run handed to others."""
    return ArtifactVersion(f"{TaskRun(environment, task_run_id).uri}/result", "task-result")


def artifacts_of(assets: Iterable[Asset]) -> Mapping[str, Touched]:
    """Return what each task run read and made, by its id. `assets` come oldest first.

    An asset's key names it for all times: a version is a materialisation. What is read is the version made last.
    """
    current: dict[str, ArtifactVersion] = {}
    used: dict[str, dict[str, ArtifactVersion]] = defaultdict(dict)
    generated: dict[str, dict[str, ArtifactVersion]] = defaultdict(dict)
    # A task's events are sent when it ends: what it read was there before anything that it made.
    for asset in sorted(assets, key=lambda asset: (asset.at, asset.made)):
        if asset.made:
            current[asset.key] = generated[asset.task_run_id][asset.key] = _version(asset)
        elif asset.key not in generated[asset.task_run_id]:
            read = current.get(asset.key) or artifact_at(asset.key)
            used[asset.task_run_id].setdefault(asset.key, replace(read, attributes={}))
    return {run: Touched(tuple(used[run].values()), tuple(generated[run].values())) for run in {**used, **generated}}


def _version(asset: Asset) -> ArtifactVersion:
    """Return the version that a materialisation made: as its metadata say, else named by the task run."""
    version = quote(asset.metadata.get("version") or asset.task_run_id, safe="@:+~.-_")
    claimed = asset.metadata.get("digest") or f"sha256:{asset.metadata.get('sha256', '')}"
    digest = claimed if _DIGEST.fullmatch(claimed) else None
    attributes = {**asset.metadata, "asset": asset.key}
    return replace(artifact_at(asset.key), uri=f"{asset.key}@{version}", digest=digest, attributes=attributes)


def _record(lineage: Lineage, environment: str, run: PrefectRun, touched: Touched) -> str:
    """Record a run; return why lineage refuses it, empty if it does not."""
    attributes = {"name": run.name, **run.attributes}
    attributes |= {"tags": ",".join(sorted(run.tags))} if run.tags else {}
    attributes |= {"state": run.state} if run.state else {}
    details = ActivityDetails(
        started=run.started,
        ended=run.ended if run.state else None,
        attributes=attributes,
        asserted_by=TOOL,
        within=run.within(environment),
    )
    made = touched.generated if run.state == "COMPLETE" else ()
    uri = run.uri(environment)
    try:
        lineage.record_activity(uri, run.kind, used=touched.used, generated=made, details=details)
    except HandrailError as err:
        return f"The {run.kind} {run.name!r}: {err}"
    return ""
