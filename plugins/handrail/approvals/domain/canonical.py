"""One spelling for a JSON value, so that equal contents have equal digests."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return the value as UTF-8 JSON with sorted keys and no spaces.

    Raises:
        ValueError: the value holds NaN or infinity, or is no JSON value.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, RecursionError) as err:
        raise ValueError(str(err)) from err


def sha256_of(content: bytes) -> str:
    """Return `sha256:<hex>` of the bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def digest_of(value: Any) -> str:
    """Return `sha256:<hex>` of the value's canonical JSON."""
    return sha256_of(canonical_json(value))
