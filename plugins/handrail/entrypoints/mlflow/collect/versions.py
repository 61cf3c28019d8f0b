"""Registered versions and aliases as lineage takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.mlflow.collect.records import (
    ASSERTED_BY,
    ActivityRecord,
    DerivationRecord,
    Naming,
    PointerRecord,
    Record,
    moment,
    pages,
    presentable,
)
from handrail.entrypoints.mlflow.collect.runs import RUN
from handrail.lineage import ActivityDetails, artifact_at, tree_uri
from handrail.refs import ArtifactVersion, ModelAlias, ModelVersion

VERSION_TAGS = ("handrail.feature_service", "handrail.feature_service_spec")
"""The tags of a version that lineage records."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://")
_LOGGED = re.compile(r"models:/+(?P<model>m-[^/]+)/?")
_COPIED = re.compile(r"models:/+(?P<name>.+)/(?P<version>\d+)")
_OF_RUN = re.compile(r"runs:/+(?P<run>[^/]+)/.+")
_LOGGED_FOLDER = re.compile(r".*/models/(?P<model>m-[0-9a-f]{32})/artifacts/?")
_RUN_FOLDER = re.compile(r".*/(?P<run>[0-9a-f]{32})/artifacts/.*")


@dataclass(frozen=True, slots=True)
class Registered:
    """A version with what MLflow does not keep in it: when its model was made, and the digest of its files if known."""

    version: Any
    epoch: int
    tree: str | None = None
    by: str | None = None


def records_of_version(
    naming: Naming, registered: Registered, epoch_of: Callable[[str], int | None]
) -> tuple[Record, ...]:
    """Return what a version came from: the logged model, the version or the run that its `source` names.

    MLflow leaves `model_id` empty over REST, so the source is read. `epoch_of` returns when the registered model of
    that name was made, None if there is none.
    """
    version, tree = registered.version, registered.tree
    source = str(version.source or "")
    reference = naming.version(version.name, registered.epoch, int(version.version))
    created = moment(version.creation_timestamp)
    attributes = {
        "source": source,
        "registered": created.isoformat() if created else None,
        "registered_by": registered.by,
        **{name: version.tags.get(name) for name in VERSION_TAGS},
    }
    made = ArtifactVersion(reference.uri, "model-version", tree, presentable(attributes))
    records: list[Record] = []
    if tree:
        records.append(DerivationRecord(made, artifact_at(tree_uri(tree), tree)))
    if run := _run_of(version, source):
        details = ActivityDetails(asserted_by=ASSERTED_BY)
        # Who hashed the version's files did not see the run write them: only the run can give this half of a proof.
        outputs = (replace(made, digest=None), *([artifact_at(tree_uri(tree))] if tree else []))
        records.append(ActivityRecord(naming.run(run), RUN, generated=outputs, details=details))
    cause = _cause(naming, source, epoch_of) or (None if records else _elsewhere(source))
    if cause is not None:
        records.append(DerivationRecord(made, cause))
    return tuple(records)


def records_of_alias(
    naming: Naming, alias: tuple[str, str], target: ModelVersion | None, at: datetime, by: str
) -> Record:
    """Return where an alias, by model and name, points from `at` on."""
    return PointerRecord(ModelAlias(*alias).pointer, target, at, by or f"mlflow://{naming.server}")


def versions_of(search: Callable[..., Any], name: str) -> Iterator[Any]:
    """Yield the versions of a registered model; `search` is the `search_model_versions` of a client or a store."""
    quoted = f'"{name}"' if "'" in name else f"'{name}'"
    return pages(search, f"name = {quoted}")


def origins_of(version: Any) -> tuple[str | None, str | None]:
    """Return the ids of the run and of the logged model that a version came from, as far as it names them."""
    source = str(version.source or "")
    logged = _LOGGED.fullmatch(source) or _LOGGED_FOLDER.fullmatch(source)
    return _run_of(version, source), logged["model"] if logged else None


def _elsewhere(source: str) -> ArtifactVersion:
    """Return files that no run and no logged model is known of, so that the version is known and its lack is seen."""
    plain = without_secrets(source)
    uri = plain if _URL.match(plain) else f"file://{plain}" if plain.startswith("/") else f"mlflow-source://{plain}"
    return ArtifactVersion(quote(uri, safe="/:@%+~.,=-_"), "model-files")


def _run_of(version: Any, source: str) -> str | None:
    if version.run_id:
        return str(version.run_id)
    found = _OF_RUN.fullmatch(source) or (None if _LOGGED.fullmatch(source) else _RUN_FOLDER.fullmatch(source))
    return found["run"] if found else None


def _cause(naming: Naming, source: str, epoch_of: Callable[[str], int | None]) -> ArtifactVersion | None:
    logged = _LOGGED.fullmatch(source) or _LOGGED_FOLDER.fullmatch(source)
    if logged:
        return naming.model(logged["model"])
    copied = _COPIED.fullmatch(source)
    epoch = epoch_of(copied["name"]) if copied else None
    if copied is None or epoch is None:
        return None
    return artifact_at(naming.version(copied["name"], epoch, int(copied["version"])).uri)
