"""What a reproduction says to a gate: which files it is about, and how many things were equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.reproduction.domain.results import Grade
from handrail.reproduction.service.plan import Reproduction

FORMAT = 1


def report_of(found: Reproduction, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return the report of a reproduction in which the stage that made the model ran again, as JSON values.

    `equal` and `unequal` count inputs, outputs and, where both models scored rows, their answers; only equal bytes and
    equal answers are equal. `versions` are those of the programs that ran it.
    """
    grades = [each.grade is Grade.BYTES for each in found.compared]
    if found.predictions is not None:
        grades.append(found.predictions.agree(0.0))
    packages = found.environment
    return {
        "version": FORMAT,
        "tree_digest": found.plan.recorded.tree,
        "model": found.plan.recorded.version,
        "commit": found.plan.place.commit,
        "verdict": found.conclusion.result.value,
        "equal": grades.count(True),
        "unequal": grades.count(False),
        "versions": dict(versions),
        "packages": {
            "recorded": packages.recorded if packages else 0,
            "differ": [each.sentence for each in packages.differences] if packages else [],
        },
        "dirty": found.plan.recorded.dirty,
    }
