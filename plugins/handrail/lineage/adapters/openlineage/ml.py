"""The ML facets: what a dataset is in the words of machine learning, for those who know nothing of Handrail's URIs.

They repeat what URIs and contents say and add nothing, so nothing is read back from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from handrail.lineage.adapters.openlineage.standard import rows_of
from handrail.lineage.domain.contents import End, EventContent

Fields = dict[str, Any]
Describe = Callable[[re.Match[str], End, EventContent], Fields]
TRAINING_SET = ("role", "training-set")


def ml_facet(end: End, content: EventContent) -> tuple[str, Fields] | None:
    """Return name and fields of the facet for an artifact at one end of a content; None if there is none for it."""
    for name, pattern, describe in _FACETS:
        found = pattern.fullmatch(end.node.uri)
        if found and (describe is not _training_set or TRAINING_SET in end.node.attributes):
            fields = describe(found, end, content)
            return name, {key: value for key, value in fields.items() if value not in (None, [])}
    return None


def _model_version(found: re.Match[str], end: End, content: EventContent) -> Fields:
    server, name, epoch, version = map(unquote, found.groups())
    trees = [cause.digests for cause in _causes(end, content) if cause.node.kind == "artifact-tree"]
    fields = {"server": server, "name": name, "treeDigest": _first(trees[0] if trees else end.digests)}
    return fields | {"epoch": int(epoch), "version": int(version)}


def _training_set(found: re.Match[str], end: End, content: EventContent) -> Fields:
    repository, path, version = map(unquote, found.groups())
    causes = _causes(end, content)
    return {
        "repository": repository,
        "path": path,
        "version": version,
        "rows": rows_of(end.node),
        "featureService": _first(_of(causes, "feature-service")),
        "featureViews": _of(causes, "feature-view"),
    }


def _features(found: re.Match[str], end: End, content: EventContent) -> Fields:
    project, name, spec_hash = map(unquote, found.groups())
    fields = {"project": project, "name": name, "specHash": spec_hash}
    return fields | {"featureViews": _of(_causes(end, content), "feature-view")}


def _approval(found: re.Match[str], end: End, content: EventContent) -> Fields:
    causes = _causes(end, content)
    digests = {cause.node.kind: cause.digests for cause in causes}
    deciders = content.partners if content.activity and end in content.outputs else ()
    return {
        "gate": unquote(found[1]),
        "request": unquote(found[2]),
        "model": _first(_of(causes, "model-version")),
        "treeDigest": _first(digests.get("artifact-tree", ())),
        "policyDigest": _first(digests.get("policy", ())),
        "approvers": [node.uri for node in deciders if node.kind == "actor"],
    }


def _deployment(found: re.Match[str], end: End, content: EventContent) -> Fields:
    environment, service, deployment = map(unquote, found.groups())
    fields = {"environment": environment, "service": service, "deployment": deployment}
    causes = _causes(end, content)
    return fields | {"bento": _first(_of(causes, "bento")), "treeDigest": _first(end.digests)}


def _monitoring(subject: str, about: str, found: re.Match[str], end: End, content: EventContent) -> Fields:
    fields = {"subject": subject, "scope": unquote(found[1]), "id": unquote(found[2])}
    return fields | {"about": _of(_causes(end, content), about)}


def _causes(end: End, content: EventContent) -> tuple[End, ...]:
    return content.inputs if end in content.outputs else ()


def _of(causes: Iterable[End], kind: str) -> list[str]:
    return [cause.node.uri for cause in causes if cause.node.kind == kind]


def _first(values: Sequence[str]) -> str | None:
    return values[0] if values else None


_FACETS: Sequence[tuple[str, re.Pattern[str], Describe]] = tuple(
    (name, re.compile(pattern), describe)
    for name, pattern, describe in (
        ("modelVersion", r"mlflow://([^/]+)/registered/([^/]+)/(\d+)/([1-9]\d*)", _model_version),
        ("trainingSet", r"dvc://([^/]+)/(.+)@([^@/]+)", _training_set),
        ("featureService", r"feast://([^/]+)/feature_service/([^/@]+)@([^/]+)", _features),
        ("featureView", r"feast://([^/]+)/feature_view/([^/@]+)@([^/]+)", _features),
        ("approval", r"approval://([^/]+)/([^/]+)", _approval),
        ("deployment", r"deploy://([^/]+)/([^/]+)/([^/]+)", _deployment),
        ("monitoring", r"feedback://([^/]+)/snapshot/([^/]+)", partial(_monitoring, "snapshot", "deployment")),
        ("monitoring", r"evidently://([^/]+)/report/([^/]+)", partial(_monitoring, "report", "feedback-snapshot")),
    )
)
