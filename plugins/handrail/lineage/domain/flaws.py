"""What the doctor finds: missing, dangling or contradicting links, changed bytes; and how many predictions trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """One thing that is wrong; `kind` is stable and short, `detail` says what was found instead."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Flaws that a user has seen and accepts: one kind, of the subjects that the glob `subject` fits."""

    kind: str
    subject: str
    because: str

    def covers(self, flaw: Flaw) -> bool:
        """Return whether a flaw is one of these."""
        return flaw.kind == self.kind and fnmatchcase(flaw.subject, self.subject)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Open flaws, accepted flaws each with the first acceptance that covers it, and acceptances that cover none."""

    open: tuple[Flaw, ...]
    accepted: tuple[tuple[Flaw, Acceptance], ...]
    unused: tuple[Acceptance, ...]


def sort_out(flaws: Sequence[Flaw], acceptances: Sequence[Acceptance]) -> Diagnosis:
    """Separate open flaws from accepted ones."""
    covered = {flaw: [each for each in acceptances if each.covers(flaw)] for flaw in flaws}
    used = {each for found in covered.values() for each in found}
    return Diagnosis(
        tuple(flaw for flaw in flaws if not covered[flaw]),
        tuple((flaw, covered[flaw][0]) for flaw in flaws if covered[flaw]),
        tuple(each for each in acceptances if each not in used),
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many predictions there are, and how many of them lead back to a commit and to data with a sha256."""

    predictions: int
    traced: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What is stored about one run: how many artifacts it read or made, and what its record says is missing from it.

    `values` counts what it passed on or received in memory; `recorded` means that it recorded itself, else only Prefect
    reported it.
    """

    touched: int
    incomplete: str = ""
    values: int = 0
    recorded: bool = False
