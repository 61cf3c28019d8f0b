"""The model as an ONNX graph, and the check that it answers as scikit-learn does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from handrail.errors import Refused
from handrail.label_kinds import CLASSIFIED
from handrail.scoring import Answered

OPSETS = {"": 18, "ai.onnx.ml": 3}


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the ONNX model is from scikit-learn's over `rows` rows, `rows_with_missing` of them incomplete.

    `max_difference` is one of probabilities, or of numbers as a share of the largest of them: float32 holds seven
    digits, wherever the point is.
    """

    rows: int
    rows_with_missing: int
    max_difference: float
    labels_differ: int

    def require(self, largest_difference: float) -> None:
        """Refuse the package unless both models answer alike.

        Raises:
            Refused: an answer differs by more than `largest_difference`, or a row is called differently.
        """
        if self.max_difference <= largest_difference and self.labels_differ == 0:
            return
        found = (
            f"Over {self.rows} rows the ONNX model differs from scikit-learn by up to {self.max_difference:.3g} "
            f"(allowed: {largest_difference:g}) and calls {self.labels_differ} of them differently; "
            "find the step that ONNX computes otherwise, such as categories that the model splits on natively."
        )
        raise Refused("Packaging", (found,))


def measure_parity(kind: str, reference: Answered, onnx: Answered, incomplete: np.ndarray) -> Parity:
    """Compare two models' answers about the same rows; `incomplete` (n,) marks missing values."""
    finite = np.isfinite(onnx.score)
    if not finite.all():
        return Parity(len(finite), int(incomplete.sum()), 1.0, int((~finite).sum()))
    largest = 1.0 if kind in CLASSIFIED else float(np.abs(reference.score).max()) or 1.0
    return Parity(
        rows=len(reference.score),
        rows_with_missing=int(incomplete.sum()),
        max_difference=float(np.abs(reference.score - onnx.score).max()) / largest,
        labels_differ=int((reference.label != onnx.label).sum()),
    )


def to_onnx_bytes(model: Any, features: int, name: str) -> bytes:
    """Convert a fitted model over (n, features) float32 into the ONNX graph `name`; the same gives the same bytes."""
    with _whole_numbers_for_booleans():
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
        from sklearn.base import is_classifier

        graph = to_onnx(
            _with_narrow_thresholds(model),
            name=name,
            initial_types=[("features", FloatTensorType([None, features]))],
            options={"zipmap": False} if is_classifier(model) else None,
            target_opset=OPSETS,
        )
        if _answers_are_logarithms(model):
            _take_exponential(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _with_narrow_thresholds(model: Any) -> Any:
    """Return trees whose thresholds are the float32 number at or below each: for float32 inputs the same branches.

    The converter rounds to the nearest float32. A threshold lies halfway between two values of the training rows, and
    where it is rounded up to a value that stands between them, a row with that value would take the other branch.
    """
    if not hasattr(model, "_predictors"):
        return model
    narrowed = copy.deepcopy(model)
    for trees in narrowed._predictors:
        for tree in trees:
            exact = tree.nodes["num_threshold"]
            near = exact.astype(np.float32)
            below = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
            tree.nodes = tree.nodes.copy()
            tree.nodes["num_threshold"] = below
    return narrowed


def _answers_are_logarithms(model: Any) -> bool:
    """Say whether skl2onnx leaves out a last step: it writes trees of a Poisson or gamma loss without exp."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return isinstance(model, HistGradientBoostingRegressor) and model.loss in ("poisson", "gamma")


def _take_exponential(graph: Any) -> None:
    """Replace the only output by its exponential."""
    from onnx import helper

    output = graph.graph.output[0]
    logarithm, output.name = output.name, "expected"
    graph.graph.node.append(helper.make_node("Exp", [logarithm], [output.name]))


@contextmanager
def _whole_numbers_for_booleans() -> Iterator[None]:
    """Let skl2onnx 1.20 write boolean attributes, which onnx 1.23 takes as whole numbers only."""
    import onnx.helper

    original: Any = onnx.helper.make_attribute

    def with_whole_numbers(key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, list | tuple) and any(isinstance(part, bool | np.bool_) for part in value):
            value = [int(part) for part in value]
        return original(key, value, *args, **kwargs)

    onnx.helper.make_attribute = with_whole_numbers
    try:
        yield
    finally:
        onnx.helper.make_attribute = original
