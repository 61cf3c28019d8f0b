"""What kinds of label there are: the names that descriptions, packaged models and metrics share."""

from __future__ import annotations

from typing import Literal, get_args

LabelKind = Literal["binary", "multiclass", "regression", "count"]
KINDS: tuple[LabelKind, ...] = get_args(LabelKind)
CLASSIFIED: tuple[LabelKind, ...] = ("binary", "multiclass")
"""Labels whose values are classes."""
NUMERIC: tuple[LabelKind, ...] = ("regression", "count")
"""Labels whose values are numbers."""
