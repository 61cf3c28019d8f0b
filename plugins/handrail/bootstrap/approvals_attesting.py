"""Signs evidence where a pipeline runs: with its own key, and without the gate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handrail.errors import InvalidInput

__all__ = ["sign_evidence"]


def sign_evidence(private_key: Path, predicate_type: str, nonce: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """Return a DSSE envelope with a statement about what the gate gave a nonce for.

    Args:
        private_key: an Ed25519 key, PEM or as ssh-keygen writes it, without a passphrase.
        predicate_type: as config/identities.yaml names it for this evidence.
        nonce: what the gate answered: `nonce`, `server`, `model`, `version`, `alias` and `tree_digest`.
        evidence: what the pipeline found; of a comparison with `incumbent`, the digest of what it compared with.

    Raises:
        InvalidInput: the nonce lacks a part, or the evidence cannot be signed.
        Misconfigured: the key cannot be used.
    """
    from handrail.approvals.adapters.ed25519_pipelines import sign_with
    from handrail.approvals.domain.attesting import make_attestation, read_attestation

    try:
        payload = make_attestation(predicate_type, nonce["nonce"], nonce, evidence)
        read_attestation(payload)
    except KeyError as err:
        remedy = "Give what 'handrail approvals nonce' printed."
        raise InvalidInput("nonce", f"it lacks {err.args[0]!r}", remedy) from err
    except ValueError as err:
        raise InvalidInput("evidence", f"it cannot be signed: {err}", "Give one object of finite JSON.") from err
    return sign_with(private_key, payload).to_json()
