"""How evidence is written in the body of a request: sent as it is, or named as a file of a run on this server."""

from __future__ import annotations

import re
from typing import Any

from handrail.approvals import RunFile
from handrail.errors import InvalidInput
from handrail.manifest import canonical_json

MAX_EVIDENCE = 50
MAX_PATH = 1000
SIGNED = {"name", "attestation"}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def read_digest(value: Any, field: str) -> str:
    """Return a digest.

    Raises:
        InvalidInput: it is not `sha256:` with 64 hex digits.
    """
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise InvalidInput(field, f"{value!r:.80} is not a digest", "Send sha256: and 64 hex digits.")
    return value


def read_evidence(rows: Any) -> tuple[dict[str, Any], dict[str, RunFile], dict[str, str]]:
    """Return what was sent, the files that were named, and what pipelines signed, each by the name of its evidence.

    Raises:
        InvalidInput: the rows cannot be read; the field says which.
    """
    if not isinstance(rows, list) or len(rows) > MAX_EVIDENCE:
        raise InvalidInput("evidence", "it is not a list", f"Send at most {MAX_EVIDENCE} of {{'name', 'content'}}.")
    contents: dict[str, Any] = {}
    files: dict[str, RunFile] = {}
    envelopes: dict[str, str] = {}
    for index, row in enumerate(rows):
        where = f"evidence[{index}]"
        if not isinstance(row, dict) or set(row) not in ({"name", "content"}, {"name", "run_id", "path"}, SIGNED):
            problem = "it needs exactly a name and a content, or an attestation, or a run_id and a path"
            raise InvalidInput(where, problem, "Send one of the three.")
        name = row["name"]
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in {**contents, **files, **envelopes}:
            raise InvalidInput(f"{where}.name", f"{name!r:.80} is not a new name", "Send lower-case words, each once.")
        if "content" in row:
            contents[name] = _content(row["content"], f"{where}.content")
        elif "attestation" in row:
            envelopes[name] = canonical_json(_content(row["attestation"], f"{where}.attestation")).decode("utf-8")
        else:
            files[name] = _file(row, where)
    return contents, files, envelopes


def _content(content: Any, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InvalidInput(where, "it is not a JSON object", "Send one JSON object.")
    try:
        canonical_json(content)
    except ValueError as err:
        raise InvalidInput(where, f"it cannot be stored: {err}", "Send plain finite JSON.") from err
    return content


def _file(row: dict[str, Any], where: str) -> RunFile:
    run_id, path = row["run_id"], row["path"]
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise InvalidInput(f"{where}.run_id", f"{run_id!r:.80} is not the id of a run", "Send the run's id.")
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH or not path.isprintable():
        raise InvalidInput(f"{where}.path", f"{path!r:.80} is not a path", "Send the path of one file of the run.")
    return RunFile(run_id, path)
