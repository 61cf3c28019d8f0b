"""A witness: cosigns heads of logs that only grow, and remembers the last one of each (C2SP tlog-witness v1.0.0)."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from handrail.approvals.adapters.ed25519_notes import Ed25519Heads, is_signed
from handrail.approvals.domain.merkle import EMPTY_ROOT, is_consistent
from handrail.approvals.domain.notes import TIME_BYTES, Checkpoint, Note, Signature, VerifierKey, cosigned_text
from handrail.approvals.domain.proofs import Submission
from handrail.files import replace_file

TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answers: an HTTP status, the media type and the body."""

    status: int
    body: bytes
    media_type: str = TEXT


class FolderWitness:
    """Keeps the last checkpoint of each log in a file; check, record and answer are one step."""

    def __init__(
        self, signer: Ed25519Heads, logs: Sequence[VerifierKey], folder: Path, clock: Callable[[], int]
    ) -> None:
        """Cosign for these logs with this key; `clock` gives POSIX seconds."""
        self._signer = signer
        self._logs = logs
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer one request. Only after the checkpoint is on disk is a cosignature given."""
        try:
            submission = Submission.parse(body)
        except ValueError as err:
            return _said(400, f"It is not a submission: {err}.")
        now = submission.checkpoint
        trusted = [key for key in self._logs if key.name == now.origin]
        if not trusted:
            return _said(404, "This witness does not know that log.")
        if not any(is_signed(submission.note, key) for key in trusted):
            return _said(403, "The checkpoint is not signed by a key of that log.")
        if submission.old > now.size:
            return _said(400, "The old size is larger than the checkpoint's.")
        with self._alone():
            return self._continue(submission, now)

    def _continue(self, submission: Submission, now: Checkpoint) -> Reply:
        last = self._last(now.origin)
        if submission.old != last.size or (now.size == last.size and now.root != last.root):
            return Reply(409, f"{last.size}\n".encode("ascii"), SIZE)
        if not is_consistent(last.size, now.size, submission.proof, last.root, now.root):
            return _said(422, "The proof does not show that this log continues what was cosigned.")
        replace_file(self._file(now.origin), submission.note.to_bytes())
        return Reply(200, self._cosignature(submission.note).line.encode("utf-8"))

    def _cosignature(self, note: Note) -> Signature:
        at, key = self._clock(), self._signer.key
        signed = self._signer.sign(cosigned_text(note.text, at).decode("utf-8"))
        return Signature(key.name, key.key_id, at.to_bytes(TIME_BYTES, "big") + signed)

    def _last(self, origin: str) -> Checkpoint:
        try:
            return Checkpoint.parse(Note.parse(self._file(origin).read_bytes()).text)
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)

    def _file(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode('utf-8')).hexdigest()}.checkpoint"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock, (self._folder / ".lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _said(status: int, sentence: str) -> Reply:
    return Reply(status, f"{sentence}\n".encode())
