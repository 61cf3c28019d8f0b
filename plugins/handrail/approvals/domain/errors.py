"""What the gates refuse, for callers that treat one refusal differently from another.

Refused
    Protected        a direct attempt at something that moves only through the gate
    NotEligible      this account may not decide here: author, requester, unknown or without the role
    NotSigned        a decision lacks a valid signature of its person
    TamperedLog      the files of a log are not those that were signed
    UnverifiedBytes  the bytes at hand are not those that the permit allows
    Contradiction
        Closed       nothing is left to decide: void, rejected, refused or promoted
        LogMismatch  the store holds something else than the log says
Conflict
    MovedMeanwhile   someone else wrote first; load again and repeat
    MoveUnderWay     another request is moving the same alias
    UnderEvaluation  the gate is measuring the candidate; nobody can decide before
    NotAsShown       the facts are not those that the person was shown; look again and repeat
Unavailable
    StillReading     the files of a version are being read; the same call gets the outcome later
"""

from __future__ import annotations

from collections.abc import Sequence

from handrail.errors import Conflict, Contradiction, Refused, Unavailable


class Protected(Refused):
    """A direct attempt at something that moves only through the gate."""

    def __init__(self, action: str, remedy: str) -> None:
        super().__init__(action, (remedy,))
        self.remedy = remedy


class NotEligible(Refused):
    """This account may not decide on this request."""

    def __init__(self, account: str, request_id: str, reason: str) -> None:
        super().__init__(f"A decision by {account!r} on {request_id!r}", (reason,))
        self.account, self.request_id, self.reason = account, request_id, reason


class NotSigned(Refused):
    """A decision lacks a valid signature of its person; nothing was recorded."""

    def __init__(self, account: str, about: str, reason: str) -> None:
        super().__init__(f"A decision by {account!r} on {about!r}", (reason,))
        self.account, self.about, self.reason = account, about, reason


class Closed(Contradiction):
    """The request takes no decisions any more; `verdict` says why."""

    def __init__(self, request_id: str, verdict: str, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{request_id!r} is {verdict}, so another decision on it", reasons)
        self.request_id, self.verdict = request_id, verdict


class LogMismatch(Contradiction):
    """The store holds something else than what the gate logged: somebody changed it by other means."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(
            f"Building on {what[0].lower()}{what[1:]}, which {problem},",
            ("Look at 'handrail approvals check', and restore the store from a backup.",),
        )
        self.what, self.problem = what, problem


class TamperedLog(Refused):
    """The files of a log are not those that were signed; `leaf` is the first one at fault, if it is a leaf."""

    def __init__(self, folder: str, problem: str, leaf: int | None = None) -> None:
        super().__init__(f"Trusting the log in {folder!r}", (f"{problem}.",))
        self.folder, self.problem, self.leaf = folder, problem, leaf


class UnverifiedBytes(Refused):
    """The bytes at hand are not those that a permit allows; `path` is the first file at fault, if it is a file."""

    def __init__(self, tree: str, problem: str, path: str | None = None) -> None:
        super().__init__(
            f"Loading {tree!r}",
            (f"{problem} Fetch the promoted tree again, or have these bytes approved.",),
        )
        self.tree, self.problem, self.path = tree, problem, path


class MovedMeanwhile(Conflict):
    """Someone else appended to the same request first."""

    def __init__(self, request_id: str) -> None:
        super().__init__("promotion request", request_id, "Load it again and repeat the decision.")
        self.request_id = request_id


class MoveUnderWay(Conflict):
    """Another request is moving the same alias at this moment."""

    def __init__(self, alias: str, request_id: str) -> None:
        super().__init__(
            "move of alias", alias, f"Request {request_id!r} is moving it; repeat the same decision in a moment."
        )
        self.alias, self.request_id = alias, request_id


class UnderEvaluation(Conflict):
    """The gate's evaluator is measuring the candidate, or `waits` says in a sentence what it waits for first."""

    def __init__(self, request_id: str, waits: str | None = None) -> None:
        super().__init__("evaluation of", request_id, "")
        self.request_id, self.waits = request_id, waits

    def __str__(self) -> str:
        if self.waits:
            return f"{self.request_id!r} is not measured yet, so nobody can decide. {self.waits}"
        return f"{self.request_id!r} is being evaluated, and nobody has decided yet. Repeat it in a moment."


class NotAsShown(Conflict):
    """The facts of a request are not those that the person was shown; `changes` says in sentences what changed."""

    def __init__(self, request_id: str, seen: str, changes: Sequence[str]) -> None:
        super().__init__("facts of", request_id, "")
        self.request_id, self.seen, self.changes = request_id, seen, tuple(changes)

    def __str__(self) -> str:
        said = f"What was shown of {self.request_id!r} is not what it is now, and nothing was recorded."
        return f"{said} {' '.join(self.changes)} Look at it again, and decide by what it shows then."


class StillReading(Unavailable):
    """The files of a version are being read, or wait for it; the same call gets the outcome later."""

    def __init__(self, label: str, problem: str, retry_after_s: int) -> None:
        super().__init__(f"Reading {label}", problem, f"Repeat the same call in {retry_after_s} s.")
        self.label, self.problem, self.retry_after_s = label, problem, retry_after_s
