"""Rows after go-live and their features, where a field of the request is a feature as it is."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest

from flows.steps.release import history


def test_a_feature_takes_the_place_of_the_field_that_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(_store: Any, asked: pd.DataFrame, _service: str) -> pd.DataFrame:
        return asked.assign(price=[2.0], visits=[3.0])

    monkeypatch.setattr(history, "entity_rows", lambda rows: rows.select("shop"))
    monkeypatch.setattr("feature_repo.store.historical", answered)
    rows = pl.DataFrame({"shop": ["s"], "price": [2], "told": [None]})

    known = history.point_in_time(None, rows, "shop_v1")  # type: ignore[arg-type]  # the answer is given above

    assert known.to_dicts() == [{"shop": "s", "told": None, "price": 2.0, "visits": 3.0}]
