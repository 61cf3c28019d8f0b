"""One code that scores, for a request and for a month: NumPy and ONNX Runtime, nothing else.

Reading the artifact tree's `scoring.json` and `onnx/model.onnx` is here; whether the tree may be used at all, and
where feature values come from, is not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from handrail.errors import InvalidInput
from handrail.label_kinds import CLASSIFIED, KINDS

FORMAT = "handrail.scoring/1"
SCORING_FILE = "scoring.json"
ONNX_FILE = Path("onnx") / "model.onnx"
PROBABILITIES = "probabilities"
FEW_ROWS = 64
"""Up to so many rows are encoded in one step, which for a request takes a fifth of the time of one step a feature."""
Column = Sequence[Any] | np.ndarray


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model answers, two arrays of (n,).

    `score` is float32: the probability of a positive, of the predicted class, or the predicted number. `label` is
    int64: 1 from the threshold on and else 0, the code of the predicted class, or 0 where numbers are predicted.
    """

    score: np.ndarray
    label: np.ndarray


@dataclass(frozen=True)
class Scorer:
    """A packaged model: feature values in, a score and a label out.

    `features` is the order of the model's input, `categorical` those of them that are texts, `feature_service`
    the name and spec hash of what they were trained with. `kind` is that of the label: a binary one counts as
    positive from `threshold` on, which is NaN for other kinds; `classes` are the names of a multiclass label's codes.
    """

    features: tuple[str, ...]
    categorical: tuple[str, ...]
    threshold: float
    feature_service: Mapping[str, str]
    codes: Mapping[str, Mapping[str, int]]
    session: onnxruntime.InferenceSession
    kind: str = "binary"
    classes: tuple[str, ...] = ()

    @classmethod
    def load(cls, tree: Path) -> Scorer:
        """Load the artifact tree; scoring then uses one thread, so that a score never depends on the machine's load.

        Raises:
            InvalidInput: scoring.json or the ONNX file is missing, damaged, or of another format.
        """
        try:
            if not (tree / ONNX_FILE).is_file():
                raise FileNotFoundError(f"{ONNX_FILE} is missing")
            scoring, network = (tree / SCORING_FILE).read_bytes(), (tree / ONNX_FILE).read_bytes()
        except OSError as err:
            raise _not_packaged(str(tree), err) from err
        return cls.read(scoring, network, str(tree))

    @classmethod
    def read(cls, scoring: bytes, network: bytes, shown: str) -> Scorer:
        """Read the two files that a score depends on, scoring.json and the ONNX model; messages call them `shown`.

        Raises:
            InvalidInput: one of them is damaged, or of another format.
        """
        try:
            stored = json.loads(scoring)
            if stored["format"] != FORMAT:
                raise InvalidInput(SCORING_FILE, f"format is {stored['format']!r}", f"Package again as {FORMAT}.")
            # Trees from before other kinds were known hold no kind.
            kind = stored.get("kind", "binary")
            if kind not in KINDS:
                raise InvalidInput(SCORING_FILE, f"kind is {kind!r}", f"Package a label of {', '.join(KINDS)}.")
            return cls(
                features=tuple(stored["features"]),
                categorical=tuple(stored["categories"]),
                threshold=float(stored["threshold"]) if kind == "binary" else math.nan,
                feature_service=stored["feature_service"],
                codes={name: {text: code for code, text in enumerate(of)} for name, of in stored["categories"].items()},
                session=_session(network),
                kind=kind,
                classes=tuple(stored["classes"]) if kind == "multiclass" else (),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
            raise _not_packaged(shown, err) from err

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
        if rows <= FEW_ROWS and (few := self._at_once(columns, rows)) is not None:
            return few
        encoded = np.empty((rows, len(self.features)), dtype=np.float32)
        for place, name in enumerate(self.features):
            values = columns[name]
            if len(values) != rows:
                raise InvalidInput(name, f"{len(values)} values where {rows} were expected", "Pass one a row.")
            encoded[:, place] = self._codes(name, values) if name in self.codes else _numbers(name, values)
        return encoded

    def _at_once(self, columns: Mapping[str, Column], rows: int) -> np.ndarray | None:
        """Return the input of a few rows, made in one step; None where a column is wrong, which is then looked for."""
        try:
            values = [
                self._codes(name, columns[name]) if name in self.codes else columns[name] for name in self.features
            ]
            encoded = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            return None
        if encoded.shape != (len(self.features), rows):
            return None
        return np.ascontiguousarray(encoded.T, dtype=np.float32)

    def score(self, columns: Mapping[str, Column]) -> np.ndarray:
        """Return the scores, (n,) float32, for columns as `encode` takes them."""
        return self.answer(columns).score

    def answer(self, columns: Mapping[str, Column]) -> Answered:
        """Return scores and labels for columns as `encode` takes them."""
        return self.answer_encoded(self.encode(columns))

    def answer_encoded(self, encoded: np.ndarray) -> Answered:
        """Return scores and labels for an input that `encode` made."""
        if not len(encoded):
            return Answered(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64))
        given, output = self._names
        values: np.ndarray = self.session.run([output], {given: encoded})[0]
        if self.kind == "binary":
            # In float64, as whoever reads a stored score compares it.
            return Answered(values[:, 1], (values[:, 1].astype(np.float64) >= self.threshold).astype(np.int64))
        if self.kind == "multiclass":
            return Answered(values.max(axis=1), values.argmax(axis=1).astype(np.int64))
        return Answered(values.reshape(-1), np.zeros(len(values), dtype=np.int64))

    @cached_property
    def _names(self) -> tuple[str, str]:
        """Names of the network's input and of its output; asking the session takes longer than a row."""
        output = PROBABILITIES if self.kind in CLASSIFIED else self.session.get_outputs()[0].name
        return self.session.get_inputs()[0].name, output

    def _codes(self, name: str, values: Column) -> np.ndarray:
        codes, unknown = self.codes[name], np.nan
        try:
            return np.array([codes.get(value, unknown) for value in values], dtype=np.float32)
        except TypeError as err:
            raise InvalidInput(name, f"it holds a value that is not a text ({err})", "Pass text or None.") from err


def row_digests(encoded: np.ndarray) -> list[str]:
    """Return `sha256:<hex>` over each row of a model's input, (n, features) float32.

    Both ways to a score meet in this input, so a row has one digest however its features were fetched.
    """
    return ["sha256:" + sha256(row.tobytes()).hexdigest() for row in encoded]


def _numbers(name: str, values: Column) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError) as err:
        raise InvalidInput(name, f"it holds a value that is not a number ({err})", "Pass numbers or None.") from err


def _not_packaged(shown: str, err: Exception) -> InvalidInput:
    return InvalidInput(shown, f"it is not a packaged model ({err})", "Run: dvc repro package.")


def _session(network: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except _runtime_errors() as err:
        raise ValueError(f"{ONNX_FILE} cannot be loaded: {' '.join(str(err).split())}") from err


@cache
def _runtime_errors() -> tuple[type[Exception], ...]:
    """Return the classes of the runtime's errors, which share no base class."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    classes = (each for each in vars(state).values() if isinstance(each, type))
    return RuntimeError, *(each for each in classes if issubclass(each, Exception))
