from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from flows.steps.modelling import evaluate, package, train
from flows.steps.modelling.training_set import read_manifest, read_rows
from handrail.errors import InvalidInput, Misconfigured
from handrail.scoring import Scorer
from handrail.use_case import read_use_case
from tests.fakes import labelled_orders
from tests.fakes.labelled_orders import with_candidates_of, write_orders


@pytest.mark.parametrize(
    ("kind", "label", "sentence"),
    [
        ("binary", [0, 2, 1], "row 2 has a 'returned' that is not 0 or 1"),
        ("multiclass", ["small", "huge", "large"], "row 2 has a 'size' that is not one of small, medium, large"),
        ("multiclass", ["small", "large", "large"], "class 'medium' never happens"),
        ("regression", [1.0, float("inf"), 2.0], "row 2 has a 'weight' that is not a finite number"),
        ("regression", [7.0, 7.0, 7.0], "3 rows with the same 'weight'"),
        ("count", [1.0, 1.5, 2.0], "row 2 has a 'items' that is not a whole number from 0 on"),
        ("count", [1, None, -2], "1 rows have no 'items'"),
        ("count", [1, 0, -2], "row 3 has a 'items'"),
    ],
)
def test_a_label_that_does_not_fit_its_kind_is_named(
    tmp_path: Path, kind: str, label: list[object], sentence: str
) -> None:
    project = write_orders(tmp_path / "project", kind, rows=3)
    file = project / "data" / "training" / "train.parquet"
    column = labelled_orders.LABELS[kind]["column"]
    pl.read_parquet(file).with_columns(pl.Series(column, label)).write_parquet(file)

    with pytest.raises(InvalidInput, match=sentence):
        read_rows(project, "train", read_manifest(project), read_use_case(project))


@pytest.mark.parametrize(
    ("kind", "threshold", "sentence"),
    [
        ("count", 0.4, "'package.threshold' is 0.4. Remove it: the label in config/use_case.yaml is count"),
        ("binary", None, "'package.threshold' is missing. Set it: the label in config/use_case.yaml is binary"),
    ],
)
def test_a_threshold_belongs_to_a_binary_label(
    tmp_path: Path, kind: str, threshold: float | None, sentence: str
) -> None:
    project = write_orders(tmp_path / "project", kind)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["package"]["threshold"] = threshold
    (project / "params.yaml").write_text(yaml.safe_dump(params))

    with pytest.raises(Misconfigured, match=re.escape(sentence)):
        train.run(project)


def test_numbers_alone_without_slices_or_feature_tables_go_all_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write_orders(tmp_path / "project", "regression", rows=200, slices=[])
    manifest = project / "data" / "training" / "manifest.json"
    described = json.loads(manifest.read_text()) | {"features": ["price", "rain"], "categorical": []}
    manifest.write_text(json.dumps(described))
    (project / "data" / "features" / "sky.parquet").unlink()
    with_candidates_of("regression", monkeypatch)
    monkeypatch.setattr(evaluate, "slice_values", lambda rows: {})

    for stage in (train, evaluate, package):
        stage.run(project)

    report = json.loads((project / "reports" / "evaluate.json").read_text())
    assert report["worst_slices"] == {}
    assert report["worst_missing_mae_lost"] == 0
    assert Scorer.load(project / "models" / "package").categorical == ()


def test_a_slice_that_the_metric_cannot_judge_has_no_bar_and_no_worst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write_orders(tmp_path / "project", "binary", rows=200, slices=["outcome / truth"])
    with_candidates_of("binary", monkeypatch)
    monkeypatch.setattr(evaluate, "slice_values", lambda rows: {"outcome / truth": rows["returned"].to_numpy()})

    train.run(project)
    evaluate.run(project)

    report = json.loads((project / "reports" / "evaluate.json").read_text())
    assert report["worst_slices"] == {}
    assert not list((project / "reports" / "evaluate").glob("slices_*.png"))


def test_a_slice_with_a_name_that_no_file_can_have_has_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write_orders(tmp_path / "project", "count", rows=200, slices=["town/shop $"])
    with_candidates_of("count", monkeypatch)
    monkeypatch.setattr(evaluate, "slice_values", lambda rows: {"town/shop $": rows["shop"].to_numpy()})

    train.run(project)
    evaluate.run(project)

    folder = project / "reports" / "evaluate"
    assert [file.name for file in folder.glob("slices_*.png")] == ["slices_0.png"]
    assert (folder / "evaluation.html").read_text().count("data:image/png") == 6
