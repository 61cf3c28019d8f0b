"""Two models on the validation window, each with the rows of its own feature set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from flows.steps.release.incumbent import compare_on_window
from handrail.errors import Refused
from handrail.scoring import Scorer
from handrail.statistics import Answers, compare
from handrail.use_case import UseCase, read_use_case
from tests.fakes.labelled_orders import description
from tests.fakes.permitted_tree import SERVICE, write_tree

ROWS = 400
KINDS = ("binary", "multiclass", "regression")
OTHER = {"name": "flights_v0", "spec_hash": "0" * 64}


def write_window(folder: Path, kind: str, without: tuple[str, ...] = ()) -> UseCase:
    """Write a project with a validation window that the trees of the fake can score."""
    of = description(kind) | {"features": {"default": "all", "sets": {"all": SERVICE["name"]}}, "slices": ["carrier"]}
    training = folder / "data" / "training"
    training.mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "config" / "use_case.yaml").write_text(yaml.safe_dump(of))
    (training / "manifest.json").write_text(json.dumps({"feature_service": dict(SERVICE)}))
    source = np.random.default_rng(1)
    miles, temp = source.uniform(0, 3000, ROWS), source.normal(60, 15, ROWS)
    pull = miles / 3000 + source.normal(0, 0.2, ROWS)
    label = {"binary": pull > 0.5, "multiclass": np.digitize(pull, (0.3, 0.9)), "regression": 3 * pull}[kind]
    rows: dict[str, Any] = {
        "order_id": [f"o{number}" for number in range(ROWS)],
        "week": source.integers(0, 8, ROWS),
        "carrier": ["AA", "UA"] * (ROWS // 2),
        "minute_of_day": source.uniform(0, 1440, ROWS),
        "temp": temp,
        "distance_miles": miles,
        of["label"]["column"]: label.astype(float if kind == "regression" else np.int8),
    }
    pl.DataFrame(rows).drop(without).write_parquet(training / "validate.parquet")
    return read_use_case(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_label_is_compared_by_what_was_answered(tmp_path: Path, kind: str) -> None:
    case = write_window(tmp_path / "project", kind)
    scorer = Scorer.load(write_tree(tmp_path / "tree", kind=kind))
    rows = pl.read_parquet(tmp_path / "project" / "data" / "training" / "validate.parquet")
    answered = scorer.answer({name: rows[name].to_list() for name in scorer.features})
    answers = Answers(answered.score.astype(float), answered.label)
    truth, weeks = rows[case.label.column].to_numpy(), rows["week"].cast(pl.String).to_numpy()

    found = compare_on_window(tmp_path / "project", scorer, scorer, case)

    alone = compare(case.main_metric, kind, answers, answers, truth, weeks, margin=0.0)
    assert found["champion_value"] == found["challenger_value"] == pytest.approx(alone.champion)
    assert found["metric"] == case.main_metric.name


def test_a_worse_class_of_the_challenger_is_seen(tmp_path: Path) -> None:
    case = write_window(tmp_path / "project", "multiclass")
    scorer = Scorer.load(write_tree(tmp_path / "tree", kind="multiclass"))

    class Stubborn:
        features, feature_service = scorer.features, scorer.feature_service

        def answer(self, columns: Any) -> Any:
            answered = scorer.answer(columns)
            return type(answered)(answered.score, np.full(ROWS, 2))

    found = compare_on_window(tmp_path / "project", scorer, Stubborn(), case)  # type: ignore[arg-type]  # a stand-in

    assert found["challenger_value"] < found["champion_value"]


def test_a_champion_whose_feature_set_is_gone_is_refused_with_what_to_keep(tmp_path: Path) -> None:
    case = write_window(tmp_path / "project", "binary", without=("temp",))
    champion = Scorer.load(write_tree(tmp_path / "old", OTHER))

    with pytest.raises(Refused) as caught:
        compare_on_window(tmp_path / "project", champion, champion, case)

    assert str(caught.value).startswith(
        "Scoring a model of the feature service 'flights_v0' is refused. It needs temp,"
    )
    assert "Keep its set in config/use_case.yaml and feature_repo" in str(caught.value)


def test_a_champion_whose_set_is_gone_and_whose_features_are_there_is_compared(tmp_path: Path) -> None:
    case = write_window(tmp_path / "project", "binary")
    champion = Scorer.load(write_tree(tmp_path / "old", OTHER))
    challenger = Scorer.load(write_tree(tmp_path / "new"))

    found = compare_on_window(tmp_path / "project", champion, challenger, case)

    assert found["champion_value"] == found["challenger_value"]
