"""Reads signatures of persons from the bodies of calls; whether one holds, the gate says."""

from __future__ import annotations

from typing import Any

from handrail.approvals import PersonSignature, plain_text
from handrail.errors import InvalidInput

NAMES = ("key_id", "at", "value")
LONGEST = 128


def read_signature(fields: dict[str, Any]) -> PersonSignature | None:
    """Return the signature that a body has under `signature`, None if it has none.

    Raises:
        InvalidInput: it is not an object of `key_id`, `at` and `value`, all short texts.
    """
    values = fields.get("signature")
    if values is None:
        return None
    if not isinstance(values, dict) or set(values) != set(NAMES):
        remedy = "Send what 'sign_decision' returns."
        raise InvalidInput("signature", f"it is not an object of {', '.join(NAMES)}", remedy)
    read = {name: plain_text(f"signature.{name}", values[name]) for name in NAMES}
    for name, text in read.items():
        if len(text) > LONGEST:
            raise InvalidInput(f"signature.{name}", f"it has {len(text)} characters", f"Send at most {LONGEST}.")
    return PersonSignature(**read)
