"""What goes through the gate: a registered version, and the evidence for those who decide about it.

Nothing here calls a server: see `flows.steps.release.desk`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.errors import Unavailable

TREE = Path("models") / "package"
EVIDENCE = {"evaluation": "reports/evaluate.json", "parity": "reports/package.json"}
COMPARISON = {"comparison": "reports/comparison.json", "behaviour": "reports/behaviour.json"}
ASIDE = ("fairness", "robustness")
"""What the evaluation holds that policies cite by a name of its own."""
OPEN_VERDICTS = ("evaluating", "pending", "approved")


@dataclass(frozen=True, slots=True)
class Registered:
    """A tree on the MLflow server: the version that holds it, the run of that version, and the digest of its files."""

    model: str
    version: int
    run_id: str
    tree_digest: str


def read_evidence(project: Path) -> dict[str, dict[str, Any]]:
    """Read what pipeline and retraining left for those who decide, by the names that policies use.

    The comparison with the champion and what the model must do (reports/behaviour.json) are read if present.

    Raises:
        Unavailable: a report is missing.
    """
    found = {}
    for name, path in (EVIDENCE | COMPARISON).items():
        file = project / path
        if file.is_file():
            found[name] = json.loads(file.read_text(encoding="utf-8"))
        elif name in EVIDENCE:
            raise Unavailable(str(file), "this evidence is missing", "Run the pipeline first: dvc repro.")
    aside = {name: found["evaluation"].pop(name) for name in ASIDE if found["evaluation"].get(name)}
    return found | aside


def is_open(request: Mapping[str, Any]) -> bool:
    """Say whether people may still decide."""
    return request["verdict"] in OPEN_VERDICTS
