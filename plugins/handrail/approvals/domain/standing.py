"""What aliases point at, held against what the gate has promoted. Whatever disagrees was done around the gate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from handrail.approvals.domain.people import folded
from handrail.approvals.domain.subject import Purpose, Subject

HOW_TO_MEND = (
    "Adopt it with 'handrail approvals adopt', or promote another version; until then nothing that verifies loads it."
)


@dataclass(frozen=True, slots=True)
class Pointed:
    """An alias of the registry and the version that it points at; `epoch` is the model's creation time in ms.

    `prompt` says that the model is a prompt.
    """

    model: str
    epoch: int
    alias: str
    version: int
    prompt: bool = False


@dataclass(frozen=True, slots=True)
class Promoted:
    """The newest promotion of an alias in the ledger."""

    model: str
    epoch: int
    alias: str
    version: int
    request_id: str
    purpose: Purpose | None = None

    def is_about(self, subject: Subject) -> bool:
        """Say whether this is the promotion of what the subject names."""
        named = (subject.model, subject.epoch, subject.alias, subject.version)
        return named == (self.model, self.epoch, self.alias, self.version)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One alias whose target the gate did not set: what is wrong, and which version, if any, it points at."""

    model: str
    alias: str
    version: int | None
    sentence: str


def disagreements(
    pointed: Iterable[Pointed], promoted: Iterable[Promoted], protected: Callable[[Pointed], bool]
) -> tuple[Disagreement, ...]:
    """Compare the registry's aliases with the ledger, for aliases that are protected or were promoted once.

    Args:
        pointed: every alias of every registered model.
        promoted: the newest promotion of each alias of each model.
        protected: says whether an alias has a policy, however it is spelt.
    """
    known = {(row.model, folded(row.alias)): row for row in promoted}
    there = sorted(pointed, key=lambda row: (row.model, row.alias))
    found = [row for row in there if protected(row) or (row.model, folded(row.alias)) in known]
    strange = [disagreement for row in found for disagreement in _of(row, known.get((row.model, folded(row.alias))))]
    return tuple(strange) + tuple(_gone(known, {(row.model, folded(row.alias)) for row in found}))


def _of(row: Pointed, promoted: Promoted | None) -> Iterator[Disagreement]:
    what = f"The alias {row.alias!r} of {row.model!r} points at version {row.version}"
    if promoted is None:
        yield Disagreement(row.model, row.alias, row.version, f"{what}, which no promotion allowed. {HOW_TO_MEND}")
        return
    if row.alias != promoted.alias:
        other = f"{what} beside {promoted.alias!r}, which the gate moves. Delete the other spelling while the server"
        yield Disagreement(row.model, row.alias, row.version, f"{other} runs without the app, or rename it.")
        return
    allowed = f"{promoted.request_id} promoted version {promoted.version}"
    if row.epoch != promoted.epoch:
        again = f"{what}, but {row.model!r} was deleted and made again since {allowed}. {HOW_TO_MEND}"
        yield Disagreement(row.model, row.alias, row.version, again)
    elif row.version != promoted.version:
        yield Disagreement(row.model, row.alias, row.version, f"{what}, but {allowed}. {HOW_TO_MEND}")


def _gone(known: dict[tuple[str, str], Promoted], there: Collection[tuple[str, str]]) -> Iterator[Disagreement]:
    for key, row in sorted(known.items()):
        if key not in there:
            sentence = (
                f"The alias {row.alias!r} of {row.model!r} is gone, but {row.request_id} promoted version "
                f"{row.version}. Promote that version again, or another."
            )
            yield Disagreement(row.model, row.alias, None, sentence)
