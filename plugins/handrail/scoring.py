"""One code that scores flights, for a request and for a month: NumPy and ONNX Runtime, nothing else.

Reading the artifact tree's `scoring.json` and `onnx/model.onnx` is here; whether the tree may be used at all, and
where feature values come from, is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from handrail.errors import InvalidInput

FORMAT = "handrail.scoring/1"
SCORING_FILE = "scoring.json"
ONNX_FILE = Path("onnx") / "model.onnx"
PROBABILITIES = "probabilities"
Column = Sequence[Any] | np.ndarray


@dataclass(frozen=True)
class Scorer:
    """A packaged model: feature values in, probability of landing late out.

    `features` is the order of the model's input, `categorical` those of them that are texts, `feature_service`
    the name and spec hash of what they were trained with; a flight counts as late from `threshold` on.
    """

    features: tuple[str, ...]
    categorical: tuple[str, ...]
    threshold: float
    feature_service: Mapping[str, str]
    codes: Mapping[str, Mapping[str, int]]
    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, tree: Path) -> Scorer:
        """Load the artifact tree; scoring then uses one thread, so that a score never depends on the machine's load.

        Raises:
            InvalidInput: scoring.json or the ONNX file is missing, damaged, or of another format.
        """
        try:
            stored = json.loads((tree / SCORING_FILE).read_text(encoding="utf-8"))
            if stored["format"] != FORMAT:
                raise InvalidInput(SCORING_FILE, f"format is {stored['format']!r}", f"Package again as {FORMAT}.")
            return cls(
                features=tuple(stored["features"]),
                categorical=tuple(stored["categories"]),
                threshold=float(stored["threshold"]),
                feature_service=stored["feature_service"],
                codes={name: {text: code for code, text in enumerate(of)} for name, of in stored["categories"].items()},
                session=_session(tree / ONNX_FILE),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise InvalidInput(str(tree), f"it is not a packaged model ({err})", "Run: dvc repro package.") from err

    def encode(self, columns: Mapping[str, Column]) -> np.ndarray:
        """Return the model's input, (n, features) float32, from columns of n values by feature name.

        A missing value (None, NaN) and an unknown category become NaN, which the trees know how to handle.

        Raises:
            InvalidInput: a feature is not among the columns, holds no numbers, or the lengths differ.
        """
        missing = [name for name in self.features if name not in columns]
        if missing:
            raise InvalidInput(missing[0], "this feature is not among the columns", "Fetch it; None where unknown.")
        rows = len(columns[self.features[0]])
        encoded = np.empty((rows, len(self.features)), dtype=np.float32)
        for place, name in enumerate(self.features):
            values = columns[name]
            if len(values) != rows:
                raise InvalidInput(name, f"{len(values)} values where {rows} were expected", "Pass one a flight.")
            encoded[:, place] = self._codes(name, values) if name in self.codes else _numbers(name, values)
        return encoded

    def score(self, columns: Mapping[str, Column]) -> np.ndarray:
        """Return the probability of landing late, (n,) float32, for columns as `encode` takes them."""
        return self.score_encoded(self.encode(columns))

    def score_encoded(self, encoded: np.ndarray) -> np.ndarray:
        """Return the probability of landing late, (n,) float32, for an input that `encode` made."""
        if not len(encoded):
            return np.empty(0, dtype=np.float32)
        name = self.session.get_inputs()[0].name
        probabilities: np.ndarray = self.session.run([PROBABILITIES], {name: encoded})[0]
        return probabilities[:, 1]

    def _codes(self, name: str, values: Column) -> np.ndarray:
        codes, unknown = self.codes[name], np.nan
        try:
            return np.array([codes.get(value, unknown) for value in values], dtype=np.float32)
        except TypeError as err:
            raise InvalidInput(name, f"it holds a value that is not a text ({err})", "Pass text or None.") from err


def row_digests(encoded: np.ndarray) -> list[str]:
    """Return `sha256:<hex>` over each row of a model's input, (n, features) float32.

    Both ways to a score meet in this input, so a flight has one digest however its features were fetched.
    """
    return ["sha256:" + sha256(row.tobytes()).hexdigest() for row in encoded]


def _numbers(name: str, values: Column) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError) as err:
        raise InvalidInput(name, f"it holds a value that is not a number ({err})", "Pass numbers or None.") from err


def _session(file: Path) -> onnxruntime.InferenceSession:
    if not file.is_file():
        raise FileNotFoundError(f"{ONNX_FILE} is missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as err:  # noqa: BLE001 - the runtime's exceptions share no base class
        raise ValueError(f"{ONNX_FILE} cannot be loaded: {err}") from err
