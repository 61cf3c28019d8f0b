"""Reads the files of this folder that the gate's permit allows for a use. Needs `cryptography`, nothing of Handrail."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

PERMIT, REVOKED = "application/vnd.in-toto+json", "application/vnd.handrail.revocations+json"
CLOCKS_DIFFER = timedelta(minutes=5)


class NotPermitted(Exception):
    """What is asked may not be done; the sentence says why."""


def read_permitted(folder: Path, names: tuple[str, ...], use: str, key_id: str) -> tuple[dict[str, Any], list[bytes]]:
    """Return what the permit in `folder` states, and the bytes of these files of its model.

    `use` is what they are for, as server/model/alias/environment; `key_id` the sha256 of the gate's key. Whoever runs
    this knows both, never the folder.
    """
    try:
        key = load_pem_public_key((folder / "gate.pub").read_bytes())
        found = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
        if found != key_id or not isinstance(key, Ed25519PublicKey):
            raise NotPermitted(f"gate.pub holds the key {found}, and {key_id} is trusted.")
        statement = _signed(folder / "permit.json", PERMIT, key, key_id)
        taken_back = _signed(folder / "revoked.dsse", REVOKED, key, key_id)["revoked"]
        permit = statement["predicate"]
        refusal = _why_not(permit, use, datetime.now(UTC), taken_back)
        if statement["predicateType"] != "urn:handrail:permit:v2" or refusal:
            raise NotPermitted(refusal or "The permit is of another release.")
        listed = {row["path"]: row["sha256"] for row in permit["manifest"]}
        return permit, [_read(folder, name, listed) for name in names]
    except InvalidSignature as err:
        raise NotPermitted("permit.json or revoked.dsse was not signed by the gate that is trusted.") from err
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise NotPermitted(f"{folder} is damaged, or no package of Handrail: {err!r}. Copy it again.") from err


def _why_not(permit: dict[str, Any], use: str, now: datetime, taken_back: list[dict[str, str]]) -> str:
    allowed = "/".join(permit[name] for name in ("server", "model", "alias", "environment"))
    if allowed != use or not permit["approvers"]:
        return f"The permit allows {allowed}, and what is wanted is {use}."
    if now < datetime.fromisoformat(permit["issued"]) - CLOCKS_DIFFER:
        return f"The permit was issued at {permit['issued']}, and the clock here says {now.isoformat()}."
    if now >= datetime.fromisoformat(permit["expires"]):
        return f"The permit expired at {permit['expires']}. Promote the version again, and copy the new package."
    mine = [row for row in taken_back if row["request_id"] == permit["request_id"]]
    return (
        f"The permit was taken back by {mine[0]['person']} at {mine[0]['at']}: {mine[0]['reason']!r}." if mine else ""
    )


def _read(folder: Path, name: str, listed: dict[str, str]) -> bytes:
    """Read a file once: what is returned is what was hashed."""
    content = (folder / "model" / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != listed.get(name):
        raise NotPermitted(f"model/{name} is not the file that the permit allows. Copy the package again.")
    return content


def _signed(file: Path, kind: str, key: Ed25519PublicKey, key_id: str) -> dict[str, Any]:
    """Return what a DSSE envelope holds, if the key has signed it (secure-systems-lab/dsse, protocol.md)."""
    envelope = json.loads(file.read_bytes())
    payload, name = base64.b64decode(envelope["payload"], validate=True), kind.encode()
    signatures = [base64.b64decode(row["sig"]) for row in envelope["signatures"] if row["keyid"] == key_id]
    signed = b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)
    key.verify(signatures[0] if signatures else b"", signed)
    return json.loads(payload)
