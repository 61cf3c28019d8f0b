"""The gate's evaluator, as a process that is given the files it needs and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, replace
from typing import Any

from handrail.approvals.domain.described_rows import RowsDescribed, read_description
from handrail.approvals.domain.evaluation import LARGEST_ANSWER, Evaluation, EvaluationPlan, Question, read_answer
from handrail.approvals.domain.predictions import Foretold, micros_of
from handrail.approvals.evidence_ports import Evaluator
from handrail.errors import Refused, Unavailable
from handrail.tools import require

COMMAND = (sys.executable, "-I", "-B", "-m", "handrail.approvals.adapters.evaluator")
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
LONGEST_PROBLEM = 400
NEEDED = ("numpy", "onnxruntime", "pyarrow")
CHUNK_BYTES = 1 << 16


Lent = Mapping[str, AbstractContextManager[int]]
Moments = Mapping[str, Any] | None


class EvaluationProcess(Evaluator):
    """Keeps the promise of `Evaluator`: whatever happens in the process, this one goes on with a sentence."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Start this command for each question."""
        self._command = tuple(command)

    def evaluate(self, question: Question) -> Evaluation:
        """Ask a new process.

        Raises:
            Refused: it was stopped, or its answer is not one; or the measurement ended in a sentence.
            Unavailable: it cannot be started here, or the packages that it computes with are missing.
        """
        isolation, answer = self._answer(question.plan, _files(question), _moments(question.foretold))
        try:
            return replace(read_answer(answer, question), isolation=json.loads(isolation))
        except (ValueError, RecursionError) as err:
            raise Refused("The evaluation", (f"Its answer is not one: {err}.",)) from err

    def describe(self, plan: EvaluationPlan, snapshot: str, digest: str) -> RowsDescribed:
        """Ask a new process what the rows of a snapshot hold.

        Raises:
            Refused: it was stopped, or its answer is not one; or the rows cannot be used.
            Unavailable: it cannot be started here, or the packages that it computes with are missing.
        """
        _, answer = self._answer(plan, {"snapshot": _lent_file(snapshot, digest)})
        try:
            return read_description(answer)
        except ValueError as err:
            raise Refused("The evaluation", (f"Its answer is not one: {err}.",)) from err

    def _answer(self, plan: EvaluationPlan, lent: Lent, foretold: Moments = None) -> tuple[bytes, bytes]:
        for package in NEEDED:
            require(package, "evaluation")
        isolation, answer = self._lines(plan, lent, foretold)
        problem = _problem_of(answer)
        if problem is not None:
            raise Refused("The evaluation", (problem,))
        return isolation, answer

    def _lines(self, plan: EvaluationPlan, lent: Lent, foretold: Moments) -> tuple[bytes, bytes]:
        with ExitStack() as stack:
            files = {name: stack.enter_context(opened) for name, opened in lent.items()}
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="handrail-evaluator-"))
            task = {"files": files, "plan": asdict(plan), "seconds": plan.seconds, "megabytes": plan.megabytes}
            task["foretold"] = foretold
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    pass_fds=tuple(files.values()),
                    env=ENVIRONMENT,
                    cwd=folder,
                    start_new_session=True,
                )
            except OSError as err:
                remedy = "Free memory or processes on the server, then ask again."
                raise Unavailable("The evaluator", f"it cannot be started: {err.strerror}", remedy) from err
            stack.callback(_end, process)
            written = _conversation(process, json.dumps(task).encode(), plan.seconds)
        if process.returncode:
            raise Refused("The evaluation", (_ended(process.returncode),))
        lines = written.splitlines()
        if len(lines) != 2:
            raise Refused("The evaluation", (f"It wrote {len(lines)} lines where 2 were expected.",))
        return lines[0], lines[1]


def _files(question: Question) -> Lent:
    """Return what the process may read, each lent as a descriptor that has no name."""
    trees = {"candidate": question.candidate, "incumbent": question.incumbent}
    contents = {f"{name}.scoring": tree.scoring for name, tree in trees.items() if tree}
    contents |= {f"{name}.network": tree.network for name, tree in trees.items() if tree}
    snapshot = _lent_file(question.snapshot, question.snapshot_digest)
    lent = {name: _lent(content) for name, content in contents.items()} | {"snapshot": snapshot}
    files = question.foretold.files if question.foretold else ()
    return lent | {f"foretold.{place}": _lent_file(file.path, file.digest) for place, file in enumerate(files)}


def _moments(foretold: Foretold | None) -> Moments:
    """Return when each file of predictions was there, and when the rows came, in microseconds since 1970."""
    if foretold is None:
        return None
    return {"files": [micros_of(file.at) for file in foretold.files], "handed_in": micros_of(foretold.handed_in)}


@contextmanager
def _lent(content: bytes) -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        yield file.fileno()


@contextmanager
def _lent_file(path: str, digest: str) -> Iterator[int]:
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            if f"sha256:{found}" != digest:
                raise Refused(f"The snapshot {digest}", ("Its bytes changed in the gate's custody. Hand it in again.",))
            yield file.fileno()
    except OSError as err:
        raise Unavailable(f"The snapshot {digest}", f"it cannot be read: {err.strerror}", "Hand it in again.") from err


def _conversation(process: subprocess.Popen[bytes], task: bytes, seconds: float) -> bytes:
    """Write the task and read what comes, at most so much and so long.

    Raises:
        Refused: it is too much, or it takes too long.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    deadline, written = time.monotonic() + seconds, bytearray()
    try:
        process.stdin.write(task)
        process.stdin.close()
    except BrokenPipeError:
        pass  # its exit code says more
    while time.monotonic() < deadline:
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        chunk = os.read(process.stdout.fileno(), CHUNK_BYTES)
        written += chunk
        if len(written) > 2 * LARGEST_ANSWER:
            raise Refused("The evaluation", ("It wrote more than an answer can hold, and was stopped.",))
        if not chunk and _ends_by(process, deadline):
            return bytes(written)
    raise Refused("The evaluation", (f"It did not end within {seconds:g} s, and was stopped.",))


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process with all that it may have started, and close what leads to it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None and not stream.closed:
            stream.close()


def _ended(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
        return f"It was ended by {name}, as for too much memory or processor time."
    return f"It failed, with exit code {code}."


def _problem_of(answer: bytes) -> str | None:
    """Return the sentence of an answer that holds nothing else."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or set(found) != {"problem"} or not isinstance(found["problem"], str):
        return None
    printable = "".join(letter if letter.isprintable() else " " for letter in found["problem"])
    return printable[:LONGEST_PROBLEM]
