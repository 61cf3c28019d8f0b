"""An author sends a better number than the model has: the gate measures the model itself, and judges by that."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.measured_rows import hand_in_rows
from flows.steps.release.promote import TREE, Registered, read_evidence
from handrail.bootstrap.approvals import tree_digest
from handrail.errors import Refused
from handrail.scoring import SCORING_FILE
from handrail.statistics import metric_named
from infra.demo.registering import register_files

CLAIMED = {"higher": 0.80, "lower": 0.0}
"""What is claimed of a metric, by the side on which it is better."""
RECOMPUTED = "recomputed"
EXPERIMENT = "claims"


def refuse_forged(desk: Desk, project: Path, alias: str, kind: str, metric: str) -> str:
    """Ask for a weaker model with a number that it does not have; return what the gate makes of it.

    The weaker model is the packaged one, whose inputs are mixed up. It is measured on the same rows. Where the policy
    is so lenient that even such a model meets it, what counts is that the gate judged by its own number.

    Raises:
        Refused: the gate took the number, so the demo must stop.
    """
    claimed = CLAIMED[metric_named(kind, metric).better]
    with tempfile.TemporaryDirectory(prefix="handrail-weak-") as folder:
        weak = Path(folder) / "tree"
        shutil.copytree(project / TREE, weak)
        _mix_up(weak / SCORING_FILE)
        digest = tree_digest(weak)
        asked = desk.requests_for(alias, digest)
        evidence = {"evaluation": {metric: claimed}}
        request = (
            asked[-1] if asked else _ask(desk, project, alias, register_files(desk, weak, digest, EXPERIMENT), evidence)
        )
    return judged_by_its_own_number(request, metric, claimed)


def judged_by_its_own_number(request: Mapping[str, Any], metric: str, claimed: float) -> str:
    """Return the gate's reason against the claim, or the number that it measured and judged instead.

    Raises:
        Refused: it judged by the claim, or by nothing.
    """
    measure = f"evaluation.{metric}"
    judged = [row for row in request["measures"] if row["measure"] == measure]
    if not judged or any(row["level"] != RECOMPUTED or row["value"] == claimed for row in judged):
        found = ", ".join(f"{row['value']}, {row['level']}" for row in judged) or "nothing"
        raise Refused("The demo", (f"A weaker model was judged by {found}, where its author claimed {claimed}.",))
    reasons = [reason for reason in request["reasons"] if reason.startswith(f"{measure} ")]
    return str(reasons[0]) if reasons else f"{measure} is {judged[0]['value']:.6g}, {RECOMPUTED}, not {claimed}."


def _mix_up(scoring: Path) -> None:
    """Let the model take each number for another feature."""
    stored = json.loads(scoring.read_text(encoding="utf-8"))
    texts = [name for name in stored["features"] if name in stored["categories"]]
    numbers = [name for name in stored["features"] if name not in stored["categories"]]
    scoring.write_text(json.dumps(stored | {"features": [*texts, *reversed(numbers)]}), encoding="utf-8")


def _ask(
    desk: Desk, project: Path, alias: str, weak: Registered, forged: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    honest = read_evidence(project)
    evidence = {name: {**content, **forged.get(name, {})} for name, content in honest.items()}
    snapshot = hand_in_rows(desk, project, weak.model, alias)
    return desk.ask(weak, alias, "It is the best so far.", evidence, snapshot)
