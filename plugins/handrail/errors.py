"""The tree of everything that the product raises on purpose. A test holds it to the code.

HandrailError
    Misconfigured          a setting, a policy or a role file cannot be used
    InvalidInput           what a caller sent cannot be understood
        UnknownReference     it names something that does not exist
            NotYetSet          lineage: a moving name was first set later than that
        AmbiguousReference   lineage: a short form fits several nodes
        ForeignPseudonym     feedback: a subject under a name that another key made
    Conflict               the same id was used before with another content
        RoleConflict         lineage: one URI for two sorts of nodes
        MovedMeanwhile       approvals: someone else wrote first
        MoveUnderWay         approvals: another request is moving the same alias
        UnderEvaluation      approvals: the gate is measuring the candidate
        NotAsShown           approvals: the facts are not those that the person was shown
    Refused                understood, and not allowed
        Contradiction        what is recorded rules it out, whoever asks
            Closed             approvals: the request takes no more decisions
            LogMismatch        approvals: the store holds something else than was logged
            CycleRefused       lineage: something would become its own cause
            SnapshotChanged    feedback: the rows under a snapshot were altered
            SnapshotErased     feedback: subjects in a snapshot were erased since
        ExpiredLink          feedback: the time of a signed link is over
        FolderNotEmpty       a folder that must be new or empty holds something
        ForeignLink          feedback: a link that was not made here
        NotEligible          approvals: this account may not decide here
        NotLoggedIn          the server does not know this account and password
        NotSigned            approvals: a decision lacks a valid signature of its person
        OutOfScope           lineage: this token does not allow it
        Protected            approvals: it moves only through the gate
        TamperedLog          approvals: the files of a log are not those that were signed
        UnverifiedBytes      approvals: the bytes are not those that were permitted
    Unavailable            a tool, a store or a port is not there (any more)
        MissingTool          an optional package is not installed
        MissingFile          what an earlier step makes is not there (yet)
        Busy                 more waits to be written than is taken; the same call works later
        StillReading         approvals: the files of a version are being read
    Broken                 serving: a version beside the champion raised, or did not answer in time
    Interrupted            somebody stopped a command while a server was at work
    StageFailed            a stage of the pipeline ended with an error
CannotInstall              the machine lacks something (infra/install.py, which imports nothing)

A class keeps what its constructor is given under the same names, and makes its sentence from that.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

__all__ = [
    "Busy",
    "Conflict",
    "Contradiction",
    "FolderNotEmpty",
    "HandrailError",
    "InvalidInput",
    "Misconfigured",
    "MissingFile",
    "MissingTool",
    "Refused",
    "Unavailable",
    "UnknownReference",
]


class HandrailError(Exception):
    """The root: catch it to turn anything raised on purpose into one sentence."""

    def facts(self) -> dict[str, Any]:
        """Return what the constructor was given, by name: `type(error)(**error.facts())` makes an equal error."""
        if type(self).__init__ is Exception.__init__:  # the root; Python 3.11 knows no signature of it
            return {}
        return {name: vars(self)[name] for name in inspect.signature(type(self)).parameters if name in vars(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the facts: Python's own way keeps no keyword arguments, and then no error is made again."""
        return _again, (type(self), self.args, self.facts()), vars(self)


def _again(kind: type[HandrailError], args: tuple[Any, ...], facts: dict[str, Any]) -> HandrailError:
    error = kind(**facts)
    error.args = args
    return error


class Misconfigured(HandrailError):
    """A setting, a policy or a role file cannot be used as it stands."""

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        self.where, self.problem, self.remedy = where, problem, remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}. {self.remedy}"


class InvalidInput(HandrailError):
    """What a caller sent cannot be understood; `field` names the part at fault."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        self.field, self.problem, self.remedy = field, problem, remedy

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}. {self.remedy}"


class UnknownReference(InvalidInput):
    """A caller named something that does not exist."""

    def __init__(self, kind: str, name: str, remedy: str, field: str | None = None) -> None:
        super().__init__(field or kind, f"no {kind} named {name!r}", remedy)
        self.kind, self.name = kind, name


class Conflict(HandrailError):
    """The same identifier was used before with another content; the first one stays."""

    def __init__(self, kind: str, identifier: str, remedy: str) -> None:
        self.kind, self.identifier, self.remedy = kind, identifier, remedy

    def __str__(self) -> str:
        return f"The {self.kind} {self.identifier!r} exists with another content. {self.remedy}"


class Refused(HandrailError):
    """Understood, and not allowed; `reasons` holds one sentence for each rule that is not met."""

    def __init__(self, action: str, reasons: Sequence[str]) -> None:
        self.action, self.reasons = action, tuple(reasons)

    def __str__(self) -> str:
        return f"{self.action} is refused. {' '.join(self.reasons)}"


class Contradiction(Refused):
    """What is recorded already rules it out; another account or another time changes nothing."""


class FolderNotEmpty(Refused):
    """A folder that must be new or empty holds something."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"Writing into {folder!r}", ("It is not empty. Give a new or empty folder.",))
        self.folder = folder


class Unavailable(HandrailError):
    """A tool, a store or a port is not there."""

    def __init__(self, what: str, problem: str, remedy: str) -> None:
        self.what, self.problem, self.remedy = what, problem, remedy

    def __str__(self) -> str:
        return f"{self.what}: {self.problem}. {self.remedy}"


class MissingTool(Unavailable):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, "it is not installed", f"In Handrail's checkout: pip install '.[{extra}]'.")
        self.package, self.extra = package, extra


class MissingFile(Unavailable):
    """What an earlier step makes is not there (yet); `remedy` names that step."""

    def __init__(self, file: str, remedy: str) -> None:
        super().__init__(file, "it is missing", remedy)
        self.file = file


class Busy(Unavailable):
    """So much waits to be written that nothing more is taken for the moment."""

    def __init__(self, waiting: int, retry_after_s: int) -> None:
        problem = f"{waiting} rows wait to be written, and nothing of this call was taken"
        super().__init__("The store", problem, f"Send the same again in {retry_after_s} s.")
        self.waiting, self.retry_after_s = waiting, retry_after_s
