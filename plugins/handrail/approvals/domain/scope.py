"""What a policy is about: patterns of names of models, prompts and aliases, and which policy rules if several match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from handrail.approvals.domain.people import folded

EVERY = "*"
Exactness = tuple[bool, int]
"""Whether a pattern is a name itself, and how many characters it says."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that a policy rules over, in any spelling; `*` means any characters, `?` one."""

    aliases: tuple[str, ...]
    models: tuple[str, ...] = (EVERY,)
    prompts: tuple[str, ...] = ()

    def exactness(self, model: str, alias: str, *, prompt: bool = False) -> tuple[Exactness, Exactness] | None:
        """Return how exactly this is about an alias of a model or prompt, None if it is not.

        The greater one rules: the pattern of the model decides before that of the alias, a name goes before a
        pattern, and of two patterns the one that says more characters.
        """
        of_models = [_exactness(each) for each in self._named(prompt) if _matches(each, model)]
        of_aliases = [_exactness(each) for each in self.aliases if _matches(each, alias)]
        return (max(of_models), max(of_aliases)) if of_models and of_aliases else None

    def __str__(self) -> str:
        """Return the patterns as messages show them: `champion`, or `champion of credit-*`."""
        of = [] if self.models == (EVERY,) else list(self.models)
        of += [f"prompt {each}" for each in self.prompts]
        return ", ".join(self.aliases) + (f" of {', '.join(of)}" if of else "")

    def is_about(self, model: str, alias: str, *, prompt: bool = False) -> bool:
        """Say whether it is about an alias of a model, or of a prompt."""
        return self.exactness(model, alias, prompt=prompt) is not None

    def ties(self, other: Scope) -> Iterator[tuple[str, str]]:
        """Give each two patterns `model@alias` of both that are equally exact, and about a name that both match."""
        for prompt in (False, True):
            models = list(_equal(self._named(prompt), other._named(prompt)))
            aliases = list(_equal(self.aliases, other.aliases))
            yield from ((f"{a}@{b}", f"{c}@{d}") for a, c in models for b, d in aliases)

    def _named(self, prompt: bool) -> tuple[str, ...]:
        return self.prompts if prompt else self.models


def _equal(ones: tuple[str, ...], others: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for one in ones:
        for other in others:
            if _exactness(one) == _exactness(other) and _meet(folded(one), folded(other)):
                yield one, other


def _exactness(pattern: str) -> Exactness:
    plain = folded(pattern)
    said = sum(character not in "*?" for character in plain)
    return said == len(plain), said


def _matches(pattern: str, name: str) -> bool:
    # A bracket is a character like any other here.
    return fnmatchcase(folded(name), folded(pattern).replace("[", "[[]"))


def _meet(one: str, other: str) -> bool:
    """Say whether there is a name that both patterns match."""
    # meets[j]: the rest of `one` and other[j:] have a name in common.
    meets = [set(other[j:]) <= {"*"} for j in range(len(other) + 1)]
    for character in reversed(one):
        below, meets = meets, [False] * (len(other) + 1)
        for j in range(len(other), -1, -1):
            theirs = other[j] if j < len(other) else None
            if "*" in (character, theirs):
                meets[j] = below[j] or (theirs is not None and meets[j + 1])
            else:
                meets[j] = theirs is not None and (character == theirs or "?" in (character, theirs)) and below[j + 1]
    return meets[0]
