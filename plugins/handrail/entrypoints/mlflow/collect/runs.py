"""Runs and logged models as lineage takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handrail.entrypoints.mlflow.collect.code import CODE_TAGS, DIRTY, Code, code_of
from handrail.entrypoints.mlflow.collect.datasets import datasets_of
from handrail.entrypoints.mlflow.collect.records import (
    ASSERTED_BY,
    ActivityRecord,
    DerivationRecord,
    Naming,
    Record,
    moment,
    presentable,
)
from handrail.lineage import ActivityDetails, agent_uri, artifact_at, inputs_uri
from handrail.refs import ArtifactVersion, FeatureService, FlowRun

RUN = "tracking-run"
ENDED = ("FINISHED", "FAILED", "KILLED")
CLAIMED = "mlflow.user"
"""The identity provider of users whom only the client names; no login confirms them."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STAGE, _FLOW, PARENT = "handrail.stage_inputs", "handrail.flow_run_id", "mlflow.parentRunId"
_PROJECT, _SERVICE, _SPEC = "feast.project", "feast.feature_service", "handrail.feature_service_spec"
_ATTRIBUTES = {
    "mlflow.source.name": "source",
    "mlflow.source.type": "source_type",
    DIRTY: "git_dirty",
    "handrail.dvc_lock_sha256": "dvc_lock_sha256",
    "handrail.dvc_stage": "dvc_stage",
    _PROJECT: _PROJECT,
    _SERVICE: _SERVICE,
    "feast.feature_views": "feast.feature_views",
    "feast.feature_refs": "feast.feature_refs",
    "feast.retrieval_type": "feast.retrieval_type",
    "feast.entity_count": "feast.entity_count",
    "feast.operation": "feast.operation",
    "feast.training_run_id": "feast.training_run_id",
}
_RECORDED_TAGS = frozenset({*_ATTRIBUTES, *CODE_TAGS, _STAGE, _FLOW, PARENT, _SPEC})


def is_recorded_tag(key: str) -> bool:
    """Return whether lineage records a run's tag."""
    return key in _RECORDED_TAGS


def records_of_run(naming: Naming, run: Any, experiment: str | None, agent: str | None = None) -> tuple[Record, ...]:
    """Return what is recorded of an MLflow run: times, user, code, data, models, the runs that it is part of.

    `agent` is the URI of who logged in to write it, if the server knows. Links that could close a circle are
    recorded on their own, so that their refusal loses nothing else.
    """
    tags: Mapping[str, str] = run.data.tags
    code = code_of(naming, tags)
    inputs, outputs = run.inputs, run.outputs
    data, described = datasets_of(naming, code.repository, inputs.dataset_inputs if inputs else ())
    made = {each.model_id for each in (outputs.model_outputs if outputs else None) or ()}
    read = {each.model_id for each in (inputs.model_inputs if inputs else None) or ()} - made
    attributes = _attributes(run, experiment) | described | dict(code.attributes)
    ended = run.info.status in ENDED
    uri = naming.run(run.info.run_id)
    records: list[Record] = [
        ActivityRecord(
            uri,
            RUN,
            (*code.used, *_features(tags), *_stage(tags), *data),
            tuple(naming.model(model) for model in sorted(made)),
            tuple(filter(None, (agent, _claimed(run)))),
            ActivityDetails(
                moment(run.info.start_time),
                moment(run.info.end_time) if ended else None,
                attributes,
                ASSERTED_BY,
            ),
        )
    ]
    linked = ActivityDetails(asserted_by=ASSERTED_BY)
    if read:
        records.append(ActivityRecord(uri, RUN, tuple(naming.model(model) for model in sorted(read)), details=linked))
    for whole in _wholes(naming, run):
        records.append(ActivityRecord(uri, RUN, details=ActivityDetails(asserted_by=ASSERTED_BY, within=(whole,))))
    return tuple(records)


def _wholes(naming: Naming, run: Any) -> list[str]:
    """Return the URIs of the flow run and of the parent run that a run is part of."""
    flow, parent = run.data.tags.get(_FLOW), run.data.tags.get(PARENT)
    flows = [FlowRun(naming.environment, flow).uri] if flow else []
    return flows + ([naming.run(parent)] if parent and parent != run.info.run_id else [])


def records_of_model(naming: Naming, model: Any) -> tuple[Record, ...]:
    """Return which run made a logged model; of one that no run made, the commit that its own tags name."""
    code = Code(naming.repository) if model.source_run_id else code_of(naming, model.tags or {})
    attributes = presentable({"name": model.name, "model_type": model.model_type}) | dict(code.attributes)
    made = ArtifactVersion(naming.model(model.model_id).uri, "logged-model", None, attributes)
    details = ActivityDetails(asserted_by=ASSERTED_BY)
    if not model.source_run_id:
        return tuple(DerivationRecord(made, commit) for commit in code.used)
    return (ActivityRecord(naming.run(model.source_run_id), RUN, generated=(made,), details=details),)


def _attributes(run: Any, experiment: str | None) -> dict[str, str]:
    tags = run.data.tags
    known = {name: tags.get(tag) for tag, name in _ATTRIBUTES.items()}
    known |= {"run_name": run.info.run_name, "experiment": experiment}
    # While it runs there is no status that stays true.
    return presentable(known | ({"status": run.info.status} if run.info.status in ENDED else {}))


def _claimed(run: Any) -> str | None:
    user = run.data.tags.get("mlflow.user") or run.info.user_id
    return agent_uri(CLAIMED, user) if user else None


def _features(tags: Mapping[str, str]) -> list[ArtifactVersion]:
    """Return the feature service, if the tags have its specification; Feast's own tags have only its name."""
    project, service, spec = (tags.get(key, "") for key in (_PROJECT, _SERVICE, _SPEC))
    if not (project and service and _SHA256.fullmatch(spec)):
        return []
    return [artifact_at(FeatureService(project, service, spec).uri, f"sha256:{spec}")]


def _stage(tags: Mapping[str, str]) -> list[ArtifactVersion]:
    fingerprint = tags.get(_STAGE, "")
    if not _SHA256.fullmatch(fingerprint):
        return []
    return [artifact_at(inputs_uri(fingerprint), f"sha256:{fingerprint}")]
