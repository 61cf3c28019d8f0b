"""What the model of a request predicts and for whom, for readers who do not know it: words of the use case alone."""

from __future__ import annotations

from typing import Any

from handrail.approvals import Wording
from handrail.entrypoints.console.words import listed


def model_lines(bound: Any, wording: Wording) -> list[str]:
    """Return sentences about the model, and about what the alias is; of a model without a use case the latter alone."""
    answers = [f"“{answer}”" for answer in wording.answers]
    if len(answers) == 2:
        said = f" Yes is {answers[0]}, no is {answers[1]}."
    elif answers:
        said = f" The answer is {listed(answers, 'or')}."
    else:
        said = f" The answer is a number, in {wording.unit}." if wording.unit else ""
    asked = f"{bound.model} answers for each {wording.one}: {wording.question}{said} {wording.purpose}".rstrip()
    alias = f"“{bound.alias}” is the name by which the version to be used is found"
    now = f"{bound.model} {bound.incumbent}" if bound.incumbent is not None else "no version"
    return [*([asked] if wording.question else []), f"{alias}; when this was asked, it meant {now}."]
