"""Where the model and the features of a recorded prediction are found, so that it can be explained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import lend_carried, open_bentos
from handrail.delivery import Slot, find_carried
from handrail.errors import Refused, Unavailable
from handrail.feedback import Prediction
from handrail.files import replace_file
from handrail.settings import Settings
from handrail.tools import require
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    import numpy as np

    from handrail.explaining import Explanation
    from handrail.scoring import Scorer

__all__ = [
    "Explained",
    "explain_prediction",
    "kept_explanation",
]

FOLDER = "explanations"
SCORED = Path("replay") / "scored"
"""Where a replay keeps whole scored months with their features, below home."""
PROGRAM = "flows.steps.release.past_features"
WITHIN_S = 300.0
LARGEST_DIFFERENCE = 1e-9
GIVE = "Give its features as JSON with --features FILE."
Row = Mapping[str, Any]
Lend = Callable[[Settings, Prediction], AbstractContextManager[tuple[Path, str]]]


@dataclass(frozen=True, slots=True)
class Explained:
    """A prediction with what made it; `found` says where its features are from, "kept" if it was explained before."""

    prediction: Prediction
    tree_digest: str
    found: str
    explanation: Explanation

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        of = self.prediction
        about = {
            "prediction_id": of.prediction_id,
            "subject": of.subject,
            "made_at": of.made_at.isoformat(),
            "deployment": of.deployment,
            "tree_digest": self.tree_digest,
            "features_digest": of.features_digest,
            "features_from": self.found,
        }
        return about | self.explanation.to_json()


def kept_explanation(platform: Platform, prediction_id: str) -> Explained | None:
    """Return what was explained before about a prediction, None if it never was; nothing heavy is imported.

    Raises:
        UnknownReference: there is no such prediction.
        Refused: what was explained has another score than the recorded one.
    """
    prediction = platform.feedback.find_prediction(prediction_id)
    tree = _tree_of(platform, prediction)
    file = _file(platform.settings, tree, prediction.features_digest) if tree and prediction.features_digest else None
    if file is None or not file.is_file():
        return None
    from handrail.explaining import explanation_from

    try:
        explanation = explanation_from(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):
        return None
    _require_recorded(prediction, explanation.score)
    return Explained(prediction, str(tree), "kept", explanation)


def explain_prediction(
    platform: Platform, prediction_id: str, given: Row | None = None, lend: Lend | None = None
) -> Explained:
    """Explain a recorded prediction by the permitted bytes that made it and the features that it was made from.

    The features are `given`, or else those that a replay kept, or those that the project's own tables give as they were
    known; they count only if they have the recorded digest. What was explained is kept by the digests of both. `lend`
    lends the verified tree that made a prediction, with its digest; the bento's own if None.

    Raises:
        UnknownReference: there is no such prediction.
        MissingTool: an optional package is missing.
        Unavailable: its bento or its features are not there.
        Refused: no permit covers the bytes, no features have the recorded digest, the contributions do not add up, or
            the score is another one than recorded.
    """
    if given is None and (before := kept_explanation(platform, prediction_id)):
        return before
    prediction = platform.feedback.find_prediction(prediction_id)
    if not prediction.features_digest:
        reason = "It was recorded without the digest of its features, so nothing shows which values it was made from."
        raise Refused(f"Explaining {prediction_id}", (reason,))
    for package in ("onnxruntime", "pyarrow", "shap"):
        require(package, "quality")
    from handrail.explaining import explain
    from handrail.scoring import Scorer

    settings = platform.settings
    with (lend or _lend)(settings, prediction) as (folder, tree):
        scorer = Scorer.load(folder)
        encoded, found = _features(settings, prediction, scorer, given)
        _require_recorded(prediction, float(scorer.answer_encoded(encoded).score[0]))
        explanation = explain(folder, scorer, encoded)
    content = json.dumps(explanation.to_json(), indent=1).encode()
    replace_file(_file(settings, tree, prediction.features_digest), content)
    return Explained(prediction, tree, found, explanation)


def _tree_of(platform: Platform, prediction: Prediction) -> str | None:
    records = platform.feedback.deployments()
    return next((record.tree_digest for record in records if record.uri == prediction.deployment), None)


def _file(settings: Settings, tree: str, features: str) -> Path:
    one, other = (digest.removeprefix("sha256:") for digest in (tree, features))
    return settings.home / FOLDER / one / f"{other}.json"


@contextmanager
def _lend(settings: Settings, prediction: Prediction) -> Iterator[tuple[Path, str]]:
    name = read_use_case(settings.project).name
    bento = open_bentos(settings, name).find(Slot(settings.environment, name).tag_of(prediction.deployment).version)
    carried = find_carried(bento.root) if bento else None
    if carried is None:
        problem = "it is not in the local store, so the bytes that answered are not here"
        raise Unavailable(f"The bento of {prediction.deployment}", problem, "Explain it where that bento is.")
    with lend_carried(settings, carried) as verified:
        yield verified.tree, verified.permitted.tree_digest


def _require_recorded(prediction: Prediction, score: float) -> None:
    if abs(score - prediction.score) > LARGEST_DIFFERENCE:
        reason = f"With these features the model answers {score:.9g}, and {prediction.score:.9g} was recorded."
        raise Refused(f"Explaining {prediction.prediction_id}", (reason,))


def _features(settings: Settings, prediction: Prediction, scorer: Scorer, given: Row | None) -> tuple[np.ndarray, str]:
    """Return the row that was scored, (1, features) float32, and where it was found."""
    from handrail.scoring import row_digests

    looked: list[str] = []
    rows = [(given, "given")] if given is not None else _rows(settings, prediction, scorer)
    for row, place in rows:
        encoded = scorer.encode({name: [row.get(name)] for name in scorer.features})
        if row_digests(encoded)[0] == prediction.features_digest:
            return encoded, place
        looked.append(f"Those that are {place} have another digest than the recorded one.")
    nowhere = f"Neither kept rows nor the project's tables hold the features of {prediction.subject!r}. {GIVE}"
    raise Refused(f"Explaining {prediction.prediction_id}", tuple(looked) or (nowhere,))


def _rows(settings: Settings, prediction: Prediction, scorer: Scorer) -> Iterator[tuple[Row, str]]:
    """Give rows that may be the one that was scored, the cheapest to find first."""
    column = read_use_case(settings.project).subject.column
    for file in sorted((settings.home / SCORED).glob("*.parquet")):
        for row in _kept_rows(file, column, prediction.subject, scorer.features):
            yield row, "kept by the replay"
    if (settings.project / Path(*PROGRAM.split("."))).with_suffix(".py").is_file():
        joined = _project_row(settings, prediction, scorer)
        if joined is not None:
            yield joined, "joined from the project's tables"


def _kept_rows(file: Path, column: str, subject: str, features: tuple[str, ...]) -> list[Row]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if not {column, *features} <= {*pq.read_schema(file).names}:
        return []
    chosen = pc.field(column).cast(pa.string()) == subject
    return list(pq.read_table(file, columns=[*features], filters=chosen).to_pylist())


def _project_row(settings: Settings, prediction: Prediction, scorer: Scorer) -> Row | None:
    """Ask the project's own code, in a process of its own: it needs Feast and the tables.

    Raises:
        Unavailable: it fails or does not end.
    """
    about = {
        "subject": prediction.subject,
        "made_at": prediction.made_at.isoformat(),
        "service": scorer.feature_service["name"],
    }
    command = [sys.executable, "-m", PROGRAM]
    try:
        ended = subprocess.run(
            command, input=json.dumps(about), capture_output=True, text=True, cwd=settings.project, timeout=WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unavailable("The project's features", f"{type(err).__name__} of {PROGRAM}", GIVE) from err
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Unavailable("The project's features", said, GIVE)
    row = json.loads(ended.stdout.splitlines()[-1])
    return row if isinstance(row, dict) else None
