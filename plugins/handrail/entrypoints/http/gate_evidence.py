"""How evidence is written in the body of a request to the gate, by what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENVELOPE = {"payload", "payloadType", "signatures"}
"""The names in a DSSE envelope."""


def evidence_rows(evidence: Mapping[str, Mapping[str, Any] | tuple[str, str]]) -> list[dict[str, Any]]:
    """Return a row for each piece of evidence: a content, a signed envelope, or (run id, path) of a file of a run."""
    return [{"name": name, **_said(of)} for name, of in evidence.items()]


def _said(evidence: Mapping[str, Any] | tuple[str, str]) -> dict[str, Any]:
    if isinstance(evidence, tuple):
        return {"run_id": evidence[0], "path": evidence[1]}
    return {"attestation" if set(evidence) == ENVELOPE else "content": dict(evidence)}
