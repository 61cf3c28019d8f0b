from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.steps.project.params import Window, read_params
from handrail.errors import Misconfigured
from tests.fakes.flights_project import ROOT, change_params, write_project


def test_the_shipped_parameters_train_on_half_a_year_and_validate_on_july() -> None:
    params = read_params(ROOT)

    assert params.as_of == params.go_live == datetime(2013, 8, 1, 4, tzinfo=UTC)
    assert params.train == Window(date(2013, 1, 1), date(2013, 7, 1))
    assert params.validate_window == Window(date(2013, 7, 1), date(2013, 8, 1))
    assert params.labels_snapshot is None


def test_a_day_and_a_moment_may_be_written_without_quotes(tmp_path: Path) -> None:
    write_project(tmp_path)
    change_params(
        tmp_path, {"as_of": datetime(2013, 2, 1, 4), "train": {"from": date(2013, 1, 1), "until": "2013-01-05"}}
    )

    params = read_params(tmp_path)

    assert params.as_of == datetime(2013, 2, 1, 4, tzinfo=UTC)
    assert params.train.start == date(2013, 1, 1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"as_of": "last summer"}, "'as_of' is 'last summer', expected an ISO 8601 moment"),
        ({"train": {"from": "2013-01-01"}}, "'train.until' is missing"),
        ({"train": {"from": "2013-07-01", "until": "2013-01-01"}}, "expected a day after from (2013-07-01)"),
        ({"validate": "July"}, "'validate' is 'July', expected 'key: value' lines"),
        ({"feature_set": 7}, "'feature_set' is 7"),
        ({"sample": {"share_of_days": 0}}, "'sample.share_of_days' is 0, expected a number above 0"),
        ({"sample": {"share_of_days": True}}, "'sample.share_of_days' is True"),
        (
            {"labels_snapshot": {"path": "data/labels/x.parquet", "digest": None}},
            "both a path and a digest, or neither",
        ),
        ({"labels_snapshot": None}, "'labels_snapshot' is None, expected 'key: value' lines"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_was_expected(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    write_project(tmp_path, **changes)

    with pytest.raises(Misconfigured) as caught:
        read_params(tmp_path)

    assert sentence in str(caught.value)
    assert str(caught.value).startswith("params.yaml, line ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(None, "it is missing"), ("a: [", "it is not YAML"), ("- a", "it does not hold a mapping")],
)
def test_a_file_that_is_no_parameters_file_is_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(Misconfigured, match=sentence):
        read_params(tmp_path)
