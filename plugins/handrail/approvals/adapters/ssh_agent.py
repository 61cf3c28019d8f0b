"""Signs with a key that the person's ssh-agent holds: one call of its protocol (draft-ietf-sshm-ssh-agent, 3.6)."""

from __future__ import annotations

import os
import socket

from handrail.approvals.domain.signatures import SIGNATURE_BYTES, PersonKey
from handrail.errors import Unavailable

VARIABLE = "SSH_AUTH_SOCK"
TIMEOUT_S = 120.0
"""An agent may ask its person, or wait for a touch of a token."""
MOST_ANSWER_BYTES = 1 << 16
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_WHAT = "Signing with ssh-agent"


def sign_by_agent(key: PersonKey, text: bytes) -> bytes:
    """Return the 64 bytes of the agent's signature over the text by this key.

    Raises:
        Unavailable: no agent runs here, it does not hold the key, or its person refused.
    """
    question = bytes([_SIGN_REQUEST]) + _string(key.ssh_blob) + _string(text) + bytes(4)
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(TIMEOUT_S)
            agent.connect(os.environ.get(VARIABLE, ""))
            agent.sendall(_string(question))
            length = int.from_bytes(_read(agent, 4), "big")
            answer = _read(agent, length) if 0 < length <= MOST_ANSWER_BYTES else b""
    except OSError as err:
        problem = f"no agent answers at {VARIABLE} ({err.strerror or err})"
        raise Unavailable(_WHAT, problem, "Start one, or name the file of the private key.") from err
    signature = answer[-SIGNATURE_BYTES:]
    expected = bytes([_SIGN_RESPONSE]) + _string(_string(b"ssh-ed25519") + _string(signature))
    if answer != expected:
        raise Unavailable(_WHAT, f"it does not sign with {key.key_id}", "Add the key with ssh-add.")
    return signature


def _string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _read(agent: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = agent.recv(size - len(found))
        if not more:
            raise ConnectionResetError(0, "it ended the conversation")
        found += more
    return found
