"""What of a Great Expectations result names a validation, and which data was validated. It imports no tool.

A result holds the time, a run id, a fingerprint that identifies nothing and, with a traceback, addresses in memory.
What is hashed is the rest: which data, which expectations, and what each of them found. The same data under the same
expectations is the same validation, whoever repeats it; where nobody knows the data, the run names it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handrail.entrypoints.hosts.named_data import named_data, project_file
from handrail.errors import HandrailError, InvalidInput, Unavailable
from handrail.files import replace_file
from handrail.refs import ArtifactVersion
from handrail.settings import Settings

DOCUMENT_VERSION = 1
SOURCE = "handrail_source"
MOST_NAMED = 20
MAX_UNMET = 600
"""Characters that an attribute may have for PostgreSQL to keep it in an index, whatever they are."""
_READ_FROM = ("path", "filepath_or_buffer", "path_or_buf", "path_or_buffer", "io")
_LOADED = "%Y%m%dT%H%M%S.%fZ"
_OF_THE_RUN = frozenset({"batch_id", "id", "rendered_content", "notes"})


def document_of(validation: Any, suite: str, data: Sequence[str]) -> dict[str, Any]:
    """Return what is hashed of one validation result; `data` are the URIs of what was validated, or of its run."""
    statistics = validation.statistics or {}
    return {
        "version": DOCUMENT_VERSION,
        "data": sorted(data),
        "suite": {"name": validation.suite_name, "digest": suite},
        "success": bool(validation.success),
        "evaluated": int(statistics.get("evaluated_expectations") or 0),
        "successful": int(statistics.get("successful_expectations") or 0),
        "results": [_result(each) for each in validation.to_json_dict()["results"]],
    }


def suite_digest(expectations: Iterable[Any]) -> str:
    """Return `sha256:<hex>` over what a suite asks for, in its order, without the ids that a store gives."""
    return digest_of([_expectation(each.configuration.to_json_dict()) for each in expectations])


def digest_of(document: Any) -> str:
    """Return `sha256:<hex>` of a document's canonical JSON."""
    return f"sha256:{hashlib.sha256(_canonical(document)).hexdigest()}"


def write_document(settings: Settings, place: str, document: Mapping[str, Any]) -> None:
    """Write the very bytes that are hashed to a path of the project, whole or not at all.

    Raises:
        Unavailable: they cannot be written.
    """
    file = settings.project / place
    if not file.parent.is_dir():
        raise Unavailable(place, "it cannot be written: its folder is missing", "Make its folder.")
    replace_file(file, _canonical(document), remedy="Correct its folder, or free the disk.")


def attributes_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what people ask of a validation first."""
    unmet = [_name(each) for each in document["results"] if not each["success"]]
    more = [f"{len(unmet) - MOST_NAMED} more"] if len(unmet) > MOST_NAMED else []
    attributes = {
        "success": str(document["success"]).lower(),
        "evaluated": str(document["evaluated"]),
        "successful": str(document["successful"]),
        "suite": document["suite"]["name"],
        "suite_digest": document["suite"]["digest"],
    }
    return attributes | ({"unmet": ", ".join([*unmet[:MOST_NAMED], *more])[:MAX_UNMET]} if unmet else {})


def find_data(settings: Settings, named: str | None, meta: Mapping[str, Any]) -> ArtifactVersion:
    """Return what a batch was read from: what the user `named` (a path or a URI), or the file of the asset.

    A file lies in the project, and is the very version of it that DVC knows. That a frame in memory has the content of
    a named file is the user's word, so it comes without a digest.

    Raises:
        InvalidInput: nobody said where a frame came from, or the file lies outside the project.
        Unavailable: the file is gone, or was written since it was read.
    """
    place = named or read_from(meta)
    if place is None:
        problem = f"the asset {_asset(meta)!r} is not a file, and nobody said where its rows came from"
        raise InvalidInput("source", problem, f"Give HandrailAction(source=...) or the asset's metadata {SOURCE!r}.")
    unchanged_since = _loaded_at(meta)
    if named is None and "://" not in place:
        return project_file(settings, place, unchanged_since)
    return named_data(settings, place, unchanged_since)


def read_from(meta: Mapping[str, Any]) -> str | None:
    """Return the path or URL that Great Expectations read a batch from; None for a frame or a table."""
    spec = meta.get("batch_spec") or {}
    options = spec.get("reader_options") or {}
    places = [spec.get("path"), *(options.get(name) for name in _READ_FROM)]
    return next((str(place) for place in places if isinstance(place, str | Path)), None)


def sentence_of(err: HandrailError) -> str:
    """Return an error as one line."""
    return " ".join(str(err).split())


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()


def _loaded_at(meta: Mapping[str, Any]) -> datetime | None:
    try:
        loaded = datetime.strptime(str((meta.get("batch_markers") or {}).get("ge_load_time")), _LOADED)
    except ValueError:
        return None
    return loaded.replace(tzinfo=UTC)


def _asset(meta: Mapping[str, Any]) -> str:
    return str((meta.get("active_batch_definition") or {}).get("data_asset_name", ""))


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what was found; of an exception only that there was one, since its text holds addresses in memory."""
    info = result.get("exception_info") or {}
    entries = [info, *(each for each in info.values() if isinstance(each, Mapping))]
    return {
        **_expectation(result["expectation_config"]),
        "success": bool(result["success"]),
        "result": result.get("result") or {},
        "raised": any(each.get("raised_exception") for each in entries),
    }


def _expectation(config: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {name: value for name, value in (config.get("kwargs") or {}).items() if name not in _OF_THE_RUN}
    severity = config.get("severity")
    return {"type": config["type"], "kwargs": arguments, "meta": config.get("meta") or {}, "severity": str(severity)}


def _name(result: Mapping[str, Any]) -> str:
    columns = [str(value) for name, value in sorted(result["kwargs"].items()) if name.startswith("column")]
    return f"{result['type']}({', '.join(columns)})"[:100]
