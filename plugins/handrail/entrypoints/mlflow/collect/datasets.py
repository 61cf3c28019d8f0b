"""The datasets that a run names: which bytes they are, and whether the frame can have come from them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from handrail.entrypoints.mlflow.collect.code import short_name
from handrail.entrypoints.mlflow.collect.records import Naming, presentable
from handrail.lineage import artifact_at
from handrail.refs import ArtifactVersion, DataVersion, FeatureService, FeedbackSnapshot, TrackedDataset

CONTEXT = "mlflow.data.context"
CONTRADICTION = "contradiction"
INPUT = "input."
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DVC = re.compile(r"dvc://(?P<path>[^@\s]+)(@[^@\s]+)?")
_SNAPSHOT = re.compile(r"feedback://(?P<store>[\w.-]+)/snapshot/(?P<digest>sha256:[0-9a-f]{64})")
_FEAST = re.compile(r"feast://[^\s@]+(@(?P<hash>[^\s@]+)|/retrieval/[^\s/@]+/rows)")


def datasets_of(naming: Naming, repository: str, inputs: Any) -> tuple[list[ArtifactVersion], dict[str, str]]:
    """Return the artifacts behind a run's dataset inputs, and what is recorded of each frame beside the run.

    Name and digest of a frame lead its attributes, because several inputs may have one name:
    `input.<name>@<digest>.rows`, `.context`, and `.contradiction` if the frame cannot have come from the file.
    """
    found: list[ArtifactVersion] = []
    said: dict[str, str] = {}
    for given in inputs or ():
        dataset = given.dataset
        source, profile = _json(dataset.source), _json(dataset.profile)
        artifacts = list(_artifacts(naming, repository, dataset, source))
        found += artifacts
        context = next((tag.value for tag in given.tags or () if tag.key == CONTEXT), None)
        facts = {
            "rows": profile.get("num_rows"),
            "context": context,
            CONTRADICTION: _contradiction(source, profile, _json(dataset.schema)),
        }
        frame = f"{short_name(str(dataset.name))}@{dataset.digest or ''}"
        said |= presentable({f"{INPUT}{frame}.{name}": value for name, value in facts.items()})
    return found, said


def _artifacts(naming: Naming, repository: str, dataset: Any, source: Mapping[str, Any]) -> Iterator[ArtifactVersion]:
    uri = str(source.get("uri") or "")
    dvc = _DVC.fullmatch(uri) if dataset.source_type == "dvc" else None
    if dvc and (md5 := _md5_of(dataset, source)):
        yield from _dvc(DataVersion(repository, dvc["path"], md5), dataset, source)
    elif (feast := _FEAST.fullmatch(uri)) is not None:
        yield from _feast(uri, feast["hash"] or "", source)
    elif (snapshot := _SNAPSHOT.fullmatch(uri)) is not None:
        yield FeedbackSnapshot(snapshot["digest"], snapshot["store"]).artifact
    else:
        digest = str(dataset.digest or "")
        attributes = {"name": dataset.name, "source_type": dataset.source_type, "source": dataset.source}
        named = TrackedDataset(naming.server, short_name(str(dataset.name)), digest)
        yield ArtifactVersion(named.uri, "tracked-dataset", None, presentable(attributes))


def _dvc(data: DataVersion, dataset: Any, source: Mapping[str, Any]) -> Iterator[ArtifactVersion]:
    """Yield the file by its best digest; and by every md5 that is claimed of it, if the run claims two."""
    name, md5 = data.uri, data.md5
    attributes = {"path": data.path, "md5": md5}
    sha256 = str(source.get("sha256") or "")
    best = f"sha256:{sha256}" if _SHA256.fullmatch(sha256) else f"md5:{md5}"
    yield ArtifactVersion(name, "dvc-data", best, attributes)
    claimed = str(dataset.digest or "")
    if _MD5.fullmatch(claimed) and claimed != md5:
        yield ArtifactVersion(name, "dvc-data", f"md5:{md5}", attributes)
        yield ArtifactVersion(name, "dvc-data", f"md5:{claimed}", attributes)


def _feast(uri: str, spec: str, source: Mapping[str, Any]) -> Iterator[ArtifactVersion]:
    """Yield the feature service, or the rows of a retrieval and the service if the source names it beside them."""
    yield artifact_at(uri, f"sha256:{spec}" if _SHA256.fullmatch(spec) else None)
    project, service, spec_hash = (str(source.get(key) or "") for key in ("project", "service", "spec_hash"))
    if not spec and project and service and _SHA256.fullmatch(spec_hash):
        yield artifact_at(FeatureService(project, service, spec_hash).uri, f"sha256:{spec_hash}")


def _md5_of(dataset: Any, source: Mapping[str, Any]) -> str | None:
    """Return DVC's hash: of the source, resolved when it was logged, or of a caller who gave it as the digest."""
    claims = (str(claim or "") for claim in (source.get("md5"), dataset.digest))
    return next((claim for claim in claims if _MD5.fullmatch(claim)), None)


def _contradiction(source: Mapping[str, Any], profile: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    """Return why a frame cannot have come from its file: it has more rows. Fewer may be a part of it."""
    records, rows = source.get("records"), profile.get("num_rows")
    if not isinstance(records, int) or not isinstance(rows, int):
        return None
    header, columns = source.get("header"), _columns(schema)
    headed = isinstance(header, list) and (not columns or columns.intersection(map(str, header)))
    held = records - bool(headed)
    if rows <= held:
        return None
    return f"the frame has {rows} rows, but {source.get('uri')} holds {held}"


def _columns(schema: Mapping[str, Any]) -> set[str]:
    columns = schema.get("mlflow_colspec")
    rows = columns if isinstance(columns, list) else []
    return {str(row["name"]) for row in rows if isinstance(row, dict) and "name" in row}


def _json(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
