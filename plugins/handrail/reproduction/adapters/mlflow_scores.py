"""Lets the reproduction's own interpreter score rows by the recorded and the reproduced MLflow model."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from handrail.errors import Unavailable
from handrail.reproduction.domain.results import Predictions
from handrail.reproduction.ports import ModelScorer

SCRIPT = Path(__file__).with_name("pyfunc_scores.py")
TIMEOUT_S = 1800


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
        work = reproduced.parent
        request, answer = work / ".scores-request.json", work / ".scores.json"
        asked = {
            "recorded": str(recorded),
            "reproduced": str(reproduced),
            "rows": str(rows) if rows else "",
            "candidates": [str(file) for file in candidates],
        }
        request.write_text(json.dumps(asked), encoding="utf-8")
        try:
            run = subprocess.run(
                [str(python), "-P", str(SCRIPT), str(request), str(answer)],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
            if run.returncode:
                printed = run.stderr.strip().splitlines() or ["it printed nothing"]
                raise Unavailable("The predictions", printed[-1].rstrip("."), "Give rows that both take: --rows.")
            found = json.loads(answer.read_text(encoding="utf-8"))
        finally:
            request.unlink(missing_ok=True)
            answer.unlink(missing_ok=True)
        return Predictions(**found) if found["rows"] else None
