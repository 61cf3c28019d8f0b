"""The tables that config/validation.yaml has rules for. Here it is one; a second source of yours would be another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from flows.steps.data.table import USE_CASE

NAMED_BY: Mapping[str, Sequence[str]] = {USE_CASE.subject.many: (USE_CASE.subject.column,)}
"""Every table that is checked, and the columns that name one of its rows."""

QUARANTINED = (USE_CASE.subject.many,)
"""The tables whose rows at fault may be set aside."""


def tables_to_check(raw: Mapping[str, pl.DataFrame], as_of: datetime) -> dict[str, pl.DataFrame]:  # noqa: ARG001
    """Return every table that config/validation.yaml names; rows keep their order. Add columns to check here."""
    return dict(raw)
