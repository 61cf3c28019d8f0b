"""Lets the reproduction's own interpreter score rows by the recorded and the reproduced MLflow model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from handrail.reproduction.adapters.other_python import OtherPython
from handrail.reproduction.domain.results import Predictions
from handrail.reproduction.ports import ModelScorer

SCRIPT = Path(__file__).with_name("pyfunc_scores.py")
SUBJECT, REMEDY = "The predictions", "Give rows that both take: --rows."


class MlflowScores(ModelScorer):
    """The scorer of two model folders."""

    def compare(
        self,
        trees: tuple[Path, Path],
        rows: Path | None,
        candidates: Sequence[Path],
        python: Path,
        environment: Mapping[str, str],
    ) -> Predictions | None:
        """Return how far the answers of the recorded and of the reproduced tree are apart; None without rows.

        `rows` are taken if given, else the shortest of the tables `candidates` with every column of the signature.

        Raises:
            Unavailable: a model cannot be loaded or does not take the rows.
        """
        recorded, reproduced = trees
        asked = {
            "recorded": str(recorded),
            "reproduced": str(reproduced),
            "rows": str(rows) if rows else "",
            "candidates": [str(file) for file in candidates],
        }
        found = OtherPython(python, environment).ask(SCRIPT, asked, SUBJECT, REMEDY)
        return Predictions(**found) if found["rows"] else None
