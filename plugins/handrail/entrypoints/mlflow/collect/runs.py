"""Runs and logged models as lineage takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handrail.entrypoints.mlflow.collect.datasets import datasets_of
from handrail.entrypoints.mlflow.collect.records import ASSERTED_BY, ActivityRecord, Place, Record, moment, presentable
from handrail.lineage import ActivityDetails, agent_uri, artifact_at, inputs_uri
from handrail.refs import ArtifactVersion, FeatureService, FlowRun, GitCommit

RUN = "tracking-run"
ENDED = ("FINISHED", "FAILED", "KILLED")
CLAIMED = "mlflow.user"
"""The identity provider of users whom only the client names; no login confirms them."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_GIT, _DIRTY, _MLFLOW_GIT = "handrail.git_commit", "handrail.git_dirty", "mlflow.source.git.commit"
_REPOSITORY, _STAGE, _FLOW = "handrail.repository", "handrail.stage_inputs", "handrail.flow_run_id"
_PROJECT, _SERVICE, _SPEC = "feast.project", "feast.feature_service", "handrail.feature_service_spec"
_ATTRIBUTES = {
    "mlflow.source.name": "source",
    "mlflow.source.type": "source_type",
    _DIRTY: "git_dirty",
    "handrail.dvc_lock_sha256": "dvc_lock_sha256",
    _PROJECT: _PROJECT,
    _SERVICE: _SERVICE,
    "feast.feature_views": "feast.feature_views",
    "feast.feature_refs": "feast.feature_refs",
    "feast.retrieval_type": "feast.retrieval_type",
    "feast.entity_count": "feast.entity_count",
    "feast.operation": "feast.operation",
    "feast.training_run_id": "feast.training_run_id",
}
_RECORDED_TAGS = frozenset({*_ATTRIBUTES, _GIT, _MLFLOW_GIT, _REPOSITORY, _STAGE, _FLOW, _SPEC})


def is_recorded_tag(key: str) -> bool:
    """Return whether lineage records a run's tag."""
    return key in _RECORDED_TAGS


def records_of_run(place: Place, run: Any, experiment: str | None, agent: str | None = None) -> tuple[Record, ...]:
    """Return what is recorded of an MLflow run: times, user, code, data, models, and the flow run that it is part of.

    `agent` is the URI of who logged in to write it, if the server knows. Links that could close a circle are
    recorded on their own, so that their refusal loses nothing else.
    """
    tags: Mapping[str, str] = run.data.tags
    repository = tags.get(_REPOSITORY, "")
    repository = repository if _NAME.fullmatch(repository) else place.repository
    inputs, outputs = run.inputs, run.outputs
    data, described = datasets_of(place, repository, inputs.dataset_inputs if inputs else ())
    made = {each.model_id for each in (outputs.model_outputs if outputs else None) or ()}
    read = {each.model_id for each in (inputs.model_inputs if inputs else None) or ()} - made
    code, unproven = _code(repository, tags)
    attributes = _attributes(run, experiment) | described | unproven
    ended = run.info.status in ENDED
    uri = place.run(run.info.run_id)
    records: list[Record] = [
        ActivityRecord(
            uri,
            RUN,
            (*code, *_features(tags), *_stage(tags), *data),
            tuple(place.model(model) for model in sorted(made)),
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
        records.append(ActivityRecord(uri, RUN, tuple(place.model(model) for model in sorted(read)), details=linked))
    if flow := tags.get(_FLOW):
        within = (FlowRun(place.environment, flow).uri,)
        records.append(ActivityRecord(uri, RUN, details=ActivityDetails(asserted_by=ASSERTED_BY, within=within)))
    return tuple(records)


def records_of_model(place: Place, model: Any) -> tuple[Record, ...]:
    """Return which run made a logged model; nothing of a model that no run made."""
    if not model.source_run_id:
        return ()
    attributes = presentable({"name": model.name, "model_type": model.model_type})
    made = ArtifactVersion(place.model(model.model_id).uri, "logged-model", None, attributes)
    details = ActivityDetails(asserted_by=ASSERTED_BY)
    return (ActivityRecord(place.run(model.source_run_id), RUN, generated=(made,), details=details),)


def _attributes(run: Any, experiment: str | None) -> dict[str, str]:
    tags = run.data.tags
    known = {name: tags.get(tag) for tag, name in _ATTRIBUTES.items()}
    known |= {"run_name": run.info.run_name, "experiment": experiment}
    # While it runs there is no status that stays true.
    return presentable(known | ({"status": run.info.status} if run.info.status in ENDED else {}))


def _claimed(run: Any) -> str | None:
    user = run.data.tags.get("mlflow.user") or run.info.user_id
    return agent_uri(CLAIMED, user) if user else None


def _code(repository: str, tags: Mapping[str, str]) -> tuple[list[ArtifactVersion], dict[str, str]]:
    """Return the commit that ran; if files were changed, the commit is only an attribute."""
    commit = tags.get(_GIT) or tags.get(_MLFLOW_GIT) or ""
    if not _COMMIT.fullmatch(commit):
        return [], {}
    if tags.get(_DIRTY) == "true":
        return [], {"git_commit": commit}
    # MLflow's own tag does not know of changed files.
    known = _DIRTY in tags
    used = artifact_at(GitCommit(repository, commit).uri, f"git:{commit}" if known else None)
    return [used], {} if known else {"git_dirty": "unknown"}


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
