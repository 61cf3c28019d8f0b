"""How people who know no metrics see the rows: words for what is predicted, and the groups of rows to look at."""

# pydantic reads the annotations at run time, so they stay real.

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from handrail.config import Mistake, Section, mistaken

VALUE = "{value}"
MOST_EDGES = 40
Phrase = Annotated[str, Field(min_length=1, max_length=60)]


def _with_a_value(text: str) -> str:
    if text.count(VALUE) != 1 or text.count("{") != 1 or text.count("}") != 1:
        raise ValueError(f"is {text!r}, expected a text with {VALUE} in it once")
    return text


class EverydayWords(Section):
    """What a binary answer is called, each as it follows the subject's plural, like "parcels".

    `positive` is what happened to those with the label, like "came late", and `called` what an answer says of them,
    like "called late"; `found` and `right` are what recall and precision are called: "late parcels found", "calls
    that were right".
    """

    positive: Phrase
    called: Phrase
    found: Phrase
    right: Phrase


class Group(Section):
    """How a slice is cut and called, where it is more than the values of a column with its name.

    `column` is the column of the labelled rows. A number is divided by `per` and rounded down, or falls into bands that
    end before each of `edges`; without both, one with few values has a group for each, and another is cut into
    quarters. `words` say what a group is, as in "sent at {value} h", and `others` what small groups together are.
    """

    column: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    per: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    edges: Annotated[tuple[float, ...], Field(max_length=MOST_EDGES)] = ()
    words: Annotated[Phrase, AfterValidator(_with_a_value)] | None = None
    others: Phrase | None = None

    @model_validator(mode="after")
    def _cuts_in_one_way(self) -> Self:
        if mistakes := [*self._mistakes()]:
            raise mistaken(*mistakes)
        return self

    def _mistakes(self) -> Iterator[Mistake]:
        if self.edges and self.per is not None:
            yield Mistake(("edges",), "is there beside 'per', and a number is cut in one way", "Remove one of the two.")
        for place, (below, above) in enumerate(pairwise((-math.inf, *self.edges))):
            if not below < above < math.inf:
                problem = f"is {above:g}, expected a finite number above the one before"
                yield Mistake(("edges", place), problem, "Write them in order.")


def group_mistakes(groups: Mapping[str, Group], slices: Sequence[str], label: str) -> Iterator[Mistake]:
    """Give what the groups of a use case say that does not fit its slices or its label."""
    for name, group in groups.items():
        if name not in slices:
            listed = ", ".join(sorted(slices)) or "nothing"
            yield Mistake(("groups", name), f"is no slice, and 'slices' has {listed}", "Write one of them, or add it.")
        if group.column == label:
            problem = f"is {label!r}, the label, which nobody knows yet"
            yield Mistake(("groups", name, "column"), problem, "Name another column.")
