"""The same verdict in formats that others read: an OMS v1.0 statement of the bytes, an SVR v0.2 of the approval.

OMS: https://github.com/ossf/model-signing-spec (v1.0). SVR:
https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md (v0.2).
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any

from handrail.approvals.domain.permit import STATEMENT_TYPE, Permit
from handrail.approvals.domain.subject import Purpose

OMS_TYPE = "https://model_signing/signature/v1.0"
SVR_TYPE = "https://in-toto.io/attestation/svr/v0.2"
VERIFIER = "urn:handrail:gate:v1"


def make_oms_statement(permit: Permit) -> dict[str, Any]:
    """Return the list of the permitted files as OMS has it: every file, no link, and no path to ignore.

    The subject's digest is sha256 over the raw digests of the files in their order.
    """
    files = sorted(permit.manifest.files, key=lambda entry: PurePosixPath(entry.path))
    root = hashlib.sha256(b"".join(bytes.fromhex(entry.sha256) for entry in files)).hexdigest()
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": permit.model, "digest": {"sha256": root}}],
        "predicateType": OMS_TYPE,
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [{"name": entry.path, "algorithm": "sha256", "digest": entry.sha256} for entry in files],
        },
    }


def make_svr_statement(permit: Permit) -> dict[str, Any]:
    """Return what was verified about the tree, by which policy; for whom and for how long only the permit says."""
    emergency = permit.purpose == Purpose.BREAK_GLASS
    properties = ["HANDRAIL_BREAK_GLASS" if emergency else "HANDRAIL_APPROVED"]
    if len(set(permit.approvers)) > 1:
        properties.append("HANDRAIL_TWO_PERSON_APPROVED")
    policy = {
        "name": f"handrail-policy:{permit.alias}",
        "digest": {"sha256": permit.policy_digest.removeprefix("sha256:")},
    }
    tree = {"sha256": permit.tree_digest.removeprefix("sha256:")}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"{permit.model}/{permit.version}", "digest": tree}],
        "predicateType": SVR_TYPE,
        "predicate": {
            "verifier": {"id": VERIFIER, "policies": [policy]},
            "timeCreated": permit.issued,
            "properties": properties,
        },
    }
