from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.scoring import FEW_ROWS, Scorer, row_digests
from tests.fakes.permitted_tree import write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


COLUMNS: dict[str, Sequence[Any]] = {
    "carrier": ["UA", "AA"],
    "minute_of_day": [600, 700],
    "temp": [1.0, 2.0],
    "distance_miles": [100, 200],
}


def test_the_tree_says_what_the_model_needs(tree: Path) -> None:
    scorer = Scorer.load(tree)

    assert scorer.features == ("carrier", "minute_of_day", "temp", "distance_miles")
    assert scorer.categorical == ("carrier",)
    assert scorer.threshold == 0.5
    assert scorer.feature_service["name"] == "flights_v1"


def test_a_category_becomes_its_code_and_an_unknown_or_missing_one_becomes_missing(tree: Path) -> None:
    encoded = Scorer.load(tree).encode(
        {
            "carrier": ["AA", "UA", "??", None, float("nan")],
            "minute_of_day": [1, 2, 3, 4, 5],
            "temp": [1.5, None, float("nan"), 4, 5],
            "distance_miles": np.arange(5),
        }
    )

    assert encoded.dtype == np.float32
    np.testing.assert_array_equal(encoded[:, 0], [0, 1, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(encoded[:, 2], [1.5, np.nan, np.nan, 4, 5])


VALUE = st.none() | st.floats(width=64) | st.integers(-(2**53), 2**53) | st.booleans()
ROW = st.tuples(st.none() | st.text(max_size=3) | st.sampled_from(["AA", "UA"]), VALUE, VALUE, VALUE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_few_rows_are_encoded_to_the_bits_that_many_are(rows: list[tuple[Any, ...]], tree: Path) -> None:
    scorer = Scorer.load(tree)
    few = dict(zip(scorer.features, map(list, zip(*rows, strict=True)), strict=True))
    many = {name: values * (FEW_ROWS + 1) for name, values in few.items()}

    with np.errstate(over="ignore"):
        encoded, among_many = scorer.encode(few), scorer.encode(many)[: len(rows)]

    np.testing.assert_array_equal(encoded.view(np.int32), among_many.view(np.int32))
    assert encoded.flags["C_CONTIGUOUS"]
    assert row_digests(encoded) == row_digests(among_many)


def test_one_flight_scores_as_it_does_among_many(tree: Path) -> None:
    scorer = Scorer.load(tree)

    together = scorer.score(COLUMNS)
    alone = [scorer.score({name: [values[row]] for name, values in COLUMNS.items()})[0] for row in range(2)]

    assert together.tolist() == alone
    assert ((together > 0) & (together < 1)).all()


def test_no_flights_give_no_scores(tree: Path) -> None:
    assert Scorer.load(tree).score({name: [] for name in COLUMNS}).shape == (0,)


def test_a_binary_label_is_positive_from_the_threshold_on(tree: Path) -> None:
    scorer = Scorer.load(tree)
    score = scorer.score(COLUMNS).astype(float)

    at, above = (replace(scorer, threshold=value).answer(COLUMNS) for value in (score[0], np.nextafter(score[0], 1)))

    assert (at.label[0], above.label[0]) == (1, 0)
    assert (at.score == above.score).all()


def test_several_classes_give_the_likeliest_and_its_probability(tmp_path: Path) -> None:
    scorer = Scorer.load(write_tree(tmp_path / "tree", kind="multiclass"))

    answered = scorer.answer({**COLUMNS, "temp": [1.0, -900.0]})

    assert [scorer.classes[code] for code in answered.label] == ["late", "early"]
    assert ((answered.score > 1 / 3) & (answered.score < 0.5)).all()
    assert np.isnan(scorer.threshold)


@pytest.mark.parametrize("kind", ["regression", "count"])
def test_a_number_is_its_own_score(tmp_path: Path, kind: str) -> None:
    scorer = Scorer.load(write_tree(tmp_path / "tree", kind=kind))

    answered = scorer.answer(COLUMNS)

    assert answered.score == pytest.approx([0.11, 0.22])
    assert answered.label.tolist() == [0, 0]
    assert scorer.kind == kind
    assert scorer.answer({name: [] for name in COLUMNS}).label.shape == (0,)


def test_a_kind_of_label_that_nobody_knows_is_named(tree: Path) -> None:
    scoring = tree / "scoring.json"
    scoring.write_text(json.dumps({**json.loads(scoring.read_text()), "kind": "ranking"}))

    with pytest.raises(InvalidInput, match=r"kind is 'ranking'\. Package a label of binary, multiclass"):
        Scorer.load(tree)


def test_extra_columns_are_ignored(tree: Path) -> None:
    scorer = Scorer.load(tree)

    assert (scorer.score({**COLUMNS, "flight_id": ["a", "b"]}) == scorer.score(COLUMNS)).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"temp": ["warm", "cold"]}, "temp: it holds a value that is not a number"),
        ({"temp": [1.0]}, "temp: 1 values where 2 were expected"),
        ({"carrier": [["UA"], "AA"]}, "carrier: it holds a value that is not a text"),
    ],
)
def test_a_value_that_cannot_be_encoded_is_named(tree: Path, change: dict[str, list[object]], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        Scorer.load(tree).encode({**COLUMNS, **change})


def test_a_feature_that_is_not_there_is_named(tree: Path) -> None:
    with pytest.raises(InvalidInput, match="temp: this feature is not among the columns"):
        Scorer.load(tree).score({name: values for name, values in COLUMNS.items() if name != "temp"})


@pytest.mark.parametrize("damage", ["scoring.json gone", "scoring.json cut", "format", "onnx gone", "onnx cut"])
def test_a_damaged_tree_is_named(tree: Path, damage: str) -> None:
    scoring, model = tree / "scoring.json", tree / "onnx" / "model.onnx"
    match damage:
        case "scoring.json gone":
            scoring.unlink()
        case "scoring.json cut":
            scoring.write_text(scoring.read_text()[:50])
        case "format":
            scoring.write_text(json.dumps({**json.loads(scoring.read_text()), "format": "handrail.scoring/9"}))
        case "onnx gone":
            model.unlink()
        case "onnx cut":
            model.write_bytes(model.read_bytes()[:100])

    with pytest.raises(InvalidInput, match=r"dvc repro package|Package again"):
        Scorer.load(tree)


@pytest.mark.parametrize("damage", ["no graph", "an operator that nobody knows", "an opset of the future", "a type"])
def test_a_model_that_the_runtime_refuses_is_named(tree: Path, damage: str) -> None:
    file = tree / "onnx" / "model.onnx"
    model = onnx.load(file)
    match damage:
        case "no graph":
            model.ClearField("graph")
        case "an operator that nobody knows":
            model.graph.node[0].op_type = "Guess"
        case "an opset of the future":
            model.opset_import[0].version = 9_999
        case "a type":
            model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING
    file.write_bytes(model.SerializeToString())

    with pytest.raises(InvalidInput, match=r"model\.onnx cannot be loaded: .*Run: dvc repro package"):
        Scorer.load(tree)


def test_scoring_loads_no_training_library() -> None:
    program = "import sys, handrail.scoring; print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = ["pandas", "sklearn", "mlflow", "polars", "bentoml", "feast"]

    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
