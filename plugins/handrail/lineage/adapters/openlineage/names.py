"""How URIs of lineage are written as OpenLineage names, for those that do not read Handrail's facets."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import replace
from functools import lru_cache
from urllib.parse import unquote

from handrail.lineage.domain.contents import EventContent
from handrail.lineage.domain.events import DatasetAt, JobName
from handrail.lineage.domain.facts import NodeFact

OURS = "handrail"
_PARTS = re.compile(r"([a-z][a-z0-9+.-]*://[^/]*)/(.*)", re.DOTALL)
_RUN = re.compile(r"openlineage-run://([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_JOB = re.compile(r"openlineage-job://([^/]*)/(.*)", re.DOTALL)


@lru_cache(maxsize=65_536)
def dataset_of(uri: str) -> DatasetAt:
    """Return a dataset that has this URI; one named by the URI's hash if names cannot carry it."""
    found = _PARTS.fullmatch(uri)
    if found is not None:
        namespace, rest = found[1].removeprefix("openlineage://"), found[2]
        name, _, version = rest.rpartition("@")
        versioned = bool(name and version and "/" not in version)
        dataset = DatasetAt(unquote(namespace), unquote(name if versioned else rest), unquote(version) or None)
        dataset = dataset if versioned else replace(dataset, version=None)
        if dataset.uri == uri:
            return dataset
    return DatasetAt(OURS, f"uri/{hashlib.sha256(uri.encode()).hexdigest()}")


def job_of(content: EventContent) -> JobName:
    """Return the job that a content is a run of: what stays the same between versions, else the kind of its outputs."""
    if content.activity is None:
        subject, prefix = content.outputs[0].node, "derive/"
    else:
        subject, prefix = content.activity, ""
    followed = next(filter(None, (_JOB.fullmatch(node.uri) for node in content.partners)), None)
    if followed is not None:
        return JobName(unquote(followed[1]), unquote(followed[2]))
    return _job(subject, prefix)


def run_id_of(content: EventContent) -> str:
    """Return a content's run: the same each time, and its own if it arrived as a run of OpenLineage."""
    if content.activity is None:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{content.outputs[0].node.uri}#derivation"))
    found = _RUN.fullmatch(content.activity.uri)
    return found[1] if found else str(uuid.uuid5(uuid.NAMESPACE_URL, content.activity.uri))


def _job(subject: NodeFact, prefix: str) -> JobName:
    dataset = dataset_of(subject.uri)
    return JobName(dataset.namespace, f"{prefix}{dataset.name if dataset.version else subject.kind}")
