"""What people call the answers of a model and what they are about: words of the use case, for pages alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """Words about one model; without a use case they name nothing.

    Attributes:
        question: what is asked of every subject.
        purpose: when and for whom it is answered, a sentence.
        answers: what the answers are called: of a yes or no both, of classes each.
        unit: of answers that are numbers.
        one: one subject.
        many: several of them.
        positive: what happened to subjects with the positive label, as it follows `many`.
        called: what an answer says of subjects, as it follows `many`.
        clusters: what is drawn again for intervals, in the plural.
    """

    question: str = ""
    purpose: str = ""
    answers: tuple[str, ...] = ()
    unit: str = ""
    one: str = "case"
    many: str = "cases"
    positive: str = "have the positive label"
    called: str = "called positive"
    clusters: str = "clusters"
