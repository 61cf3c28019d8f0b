"""Runs and logged models as lineage takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from handrail.entrypoints.mlflow.collect.datasets import told_datasets
from handrail.entrypoints.mlflow.collect.telling import ASSERTED_BY, ActivityTold, Place, Told, moment, presentable
from handrail.lineage import ActivityDetails, agent_uri, artifact_at, inputs_uri
from handrail.refs import ArtifactVersion, FeatureService, FlowRun, GitCommit

RUN = "tracking-run"
ENDED = ("FINISHED", "FAILED", "KILLED")
CLAIMED = "mlflow.user"
"""The identity provider of users whom only the client names: nobody vouches for them."""
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
_TOLD_TAGS = frozenset({*_ATTRIBUTES, _GIT, _MLFLOW_GIT, _REPOSITORY, _STAGE, _FLOW, _SPEC})


def is_told_tag(key: str) -> bool:
    """Say whether a run's tag says something to lineage."""
    return key in _TOLD_TAGS


def told_of_run(place: Place, run: Any, experiment: str | None, agent: str | None = None) -> tuple[Told, ...]:
    """Return what an MLflow run says: times, user, code, data, models, and the flow run that it is part of.

    `agent` is the URI of who logged in to write it, if the server knows. Links that could close a circle are told on
    their own, so that their refusal takes nothing else along.
    """
    tags: Mapping[str, str] = run.data.tags
    repository = tags.get(_REPOSITORY, "")
    repository = repository if _NAME.fullmatch(repository) else place.repository
    inputs, outputs = run.inputs, run.outputs
    data, said = told_datasets(place, repository, inputs.dataset_inputs if inputs else ())
    made = {each.model_id for each in (outputs.model_outputs if outputs else None) or ()}
    read = {each.model_id for each in (inputs.model_inputs if inputs else None) or ()} - made
    code, unproven = _code(repository, tags)
    attributes = _attributes(run, experiment) | said | unproven
    ended = run.info.status in ENDED
    uri = place.run(run.info.run_id)
    told: list[Told] = [
        ActivityTold(
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
        told.append(ActivityTold(uri, RUN, tuple(place.model(model) for model in sorted(read)), details=linked))
    if flow := tags.get(_FLOW):
        within = (FlowRun(place.environment, flow).uri,)
        told.append(ActivityTold(uri, RUN, details=ActivityDetails(asserted_by=ASSERTED_BY, within=within)))
    return tuple(told)


def told_of_model(place: Place, model: Any) -> tuple[Told, ...]:
    """Return which run made a logged model; nothing of a model that no run made."""
    if not model.source_run_id:
        return ()
    attributes = presentable({"name": model.name, "model_type": model.model_type})
    made = ArtifactVersion(place.model(model.model_id).uri, "logged-model", None, attributes)
    details = ActivityDetails(asserted_by=ASSERTED_BY)
    return (ActivityTold(place.run(model.source_run_id), RUN, generated=(made,), details=details),)


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
    """Return the commit that ran; of changed files it says nothing, then it is only an attribute."""
    commit = tags.get(_GIT) or tags.get(_MLFLOW_GIT) or ""
    if not _COMMIT.fullmatch(commit):
        return [], {}
    if tags.get(_DIRTY) == "true":
        return [], {"git_commit": commit}
    # MLflow's own tag tells nothing about changed files.
    known = _DIRTY in tags
    used = artifact_at(GitCommit(repository, commit).uri, f"git:{commit}" if known else None)
    return [used], {} if known else {"git_dirty": "unknown"}


def _features(tags: Mapping[str, str]) -> list[ArtifactVersion]:
    """Return the feature service, if the tags tell its specification: Feast's own name it only."""
    project, service, spec = (tags.get(key, "") for key in (_PROJECT, _SERVICE, _SPEC))
    if not (project and service and _SHA256.fullmatch(spec)):
        return []
    return [artifact_at(FeatureService(project, service, spec).uri, f"sha256:{spec}")]


def _stage(tags: Mapping[str, str]) -> list[ArtifactVersion]:
    fingerprint = tags.get(_STAGE, "")
    if not _SHA256.fullmatch(fingerprint):
        return []
    return [artifact_at(inputs_uri(fingerprint), f"sha256:{fingerprint}")]
