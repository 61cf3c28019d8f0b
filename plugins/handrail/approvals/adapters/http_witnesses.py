"""Asks witnesses to cosign a checkpoint, over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import httpx

from handrail.approvals.adapters.ed25519_notes import is_cosigned
from handrail.approvals.domain.log_policy import Witness
from handrail.approvals.domain.notes import Checkpoint, Note, Signature
from handrail.approvals.domain.proofs import Submission
from handrail.approvals.ports import Witnesses

TIMEOUT_S = 5.0
CONFLICT = 409
_log = logging.getLogger("handrail.approvals")


class HttpWitnesses(Witnesses):
    """Keeps the promise of `Witnesses`; a witness that cannot be reached is logged and left out."""

    def __init__(self, witnesses: Sequence[Witness], http: httpx.Client | None = None) -> None:
        """Ask those that have a URL."""
        self._asked = [witness for witness in witnesses if witness.url]
        self._sizes = dict.fromkeys((witness.name for witness in self._asked), 0)
        self._http = http or httpx.Client(timeout=TIMEOUT_S)

    def cosign(self, note: Note, proof: Callable[[int], Sequence[bytes]]) -> tuple[Signature, ...]:
        """Return the valid cosignatures that the checkpoint does not have yet."""
        missing = [witness for witness in self._asked if not is_cosigned(note, witness.key)]
        found = (self._ask(witness, note, proof) for witness in missing)
        return tuple(signature for signature in found if signature)

    def _ask(self, witness: Witness, note: Note, proof: Callable[[int], Sequence[bytes]]) -> Signature | None:
        size = Checkpoint.parse(note.text).size
        try:
            answer = self._send(witness, note, proof)
            if answer.status_code == CONFLICT:
                self._sizes[witness.name] = int(answer.text)
                if self._sizes[witness.name] > size:
                    _log.error(
                        "The witness %s has cosigned %s leaves of this log, which has %d: its end was removed.",
                        *(witness.name, answer.text.strip(), size),
                    )
                    return None
                answer = self._send(witness, note, proof)
            answer.raise_for_status()
            signed = Note.parse(note.text.encode("utf-8") + b"\n" + answer.content)
        except (httpx.HTTPError, ValueError) as err:
            _log.warning("The witness %s gave no cosignature: %s", witness.name, err)
            return None
        if not is_cosigned(signed, witness.key):
            _log.warning("The witness %s gave a cosignature that is not its own.", witness.name)
            return None
        self._sizes[witness.name] = size
        return next(each for each in signed.signatures if each.is_by(witness.key))

    def _send(self, witness: Witness, note: Note, proof: Callable[[int], Sequence[bytes]]) -> httpx.Response:
        old = min(self._sizes[witness.name], Checkpoint.parse(note.text).size)
        body = Submission(old, tuple(proof(old)), note).to_bytes()
        return self._http.post(f"{str(witness.url).rstrip('/')}/add-checkpoint", content=body)
