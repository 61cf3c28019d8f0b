"""The tree of everything that Handrail raises on purpose; constructors take facts and write the sentence.

HandrailError
    Misconfigured        a setting, a policy or a role file cannot be used
    InvalidInput         what a caller sent cannot be understood
        UnknownReference   it names something that does not exist
    Conflict             the same id was used before with another content
    Refused              understood, and not allowed
    Unavailable          a tool, a store or a port is not there (any more)
        MissingTool        an optional package is not installed
"""

from __future__ import annotations


class HandrailError(Exception):
    """The root: catch it to turn anything raised on purpose into one sentence."""


class Misconfigured(HandrailError):
    """A setting, a policy or a role file cannot be used as it stands."""

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(f"{where}: {problem}. {remedy}")


class InvalidInput(HandrailError):
    """What a caller sent cannot be understood; `field` names the part at fault."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}. {remedy}")
        self.field = field


class UnknownReference(InvalidInput):
    """A caller named something that does not exist."""

    def __init__(self, kind: str, name: str, remedy: str, field: str | None = None) -> None:
        super().__init__(field or kind, f"no {kind} named {name!r}", remedy)


class Conflict(HandrailError):
    """The same identifier was used before with another content; the first one stands."""

    def __init__(self, kind: str, identifier: str, remedy: str) -> None:
        super().__init__(f"The {kind} {identifier!r} exists with another content. {remedy}")


class Refused(HandrailError):
    """Understood, and not allowed; `reasons` holds one sentence for each rule that is not met."""

    def __init__(self, action: str, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{action} is refused. " + " ".join(reasons))
        self.reasons = reasons


class Unavailable(HandrailError):
    """A tool, a store or a port is not there."""

    def __init__(self, what: str, problem: str, remedy: str) -> None:
        super().__init__(f"{what}: {problem}. {remedy}")


class MissingTool(Unavailable):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, "it is not installed", f"In Handrail's checkout: pip install '.[{extra}]'.")
