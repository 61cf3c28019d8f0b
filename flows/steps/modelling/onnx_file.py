"""The trees as an ONNX graph, and the check that it answers as scikit-learn does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from handrail.errors import Refused

OPSETS = {"": 18, "ai.onnx.ml": 3}
GRAPH = "flights"


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the ONNX model is from scikit-learn's over `rows` flights, `rows_with_missing` of them incomplete."""

    rows: int
    rows_with_missing: int
    max_difference: float
    labels_differ: int

    def require(self, largest_difference: float) -> None:
        """Refuse the package unless both models answer alike.

        Raises:
            Refused: a probability differs by more than `largest_difference`, or a flight is called differently.
        """
        if self.max_difference <= largest_difference and self.labels_differ == 0:
            return
        found = (
            f"Over {self.rows} flights the ONNX model differs from scikit-learn by up to {self.max_difference:.3g} "
            f"(allowed: {largest_difference:g}) and calls {self.labels_differ} of them differently; "
            "encode categories before the model instead of splitting on them natively."
        )
        raise Refused("Packaging", (found,))


def measure_parity(reference: np.ndarray, onnx: np.ndarray, incomplete: np.ndarray, threshold: float) -> Parity:
    """Compare two (n,) arrays of probabilities of the same flights; `incomplete` (n,) marks missing values."""
    if not np.isfinite(onnx).all():
        return Parity(len(onnx), int(incomplete.sum()), 1.0, int((~np.isfinite(onnx)).sum()))
    return Parity(
        rows=len(reference),
        rows_with_missing=int(incomplete.sum()),
        max_difference=float(np.abs(reference - onnx).max()),
        labels_differ=int(((reference >= threshold) != (onnx >= threshold)).sum()),
    )


def to_onnx_bytes(trees: Any, features: int) -> bytes:
    """Convert a fitted tree model over (n, features) float32 into ONNX; the same model gives the same bytes."""
    with _whole_numbers_for_booleans():
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        graph = to_onnx(
            trees,
            name=GRAPH,
            initial_types=[("features", FloatTensorType([None, features]))],
            options={"zipmap": False},
            target_opset=OPSETS,
        )
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


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
