"""How far two models' answers are apart."""

from pathlib import Path

import mlflow.sklearn
import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression

from handrail.reproduction.adapters.pyfunc_scores import apart, compare_onnx, find_rows, fitting, read_rows


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (np.array([0.1, 0.2]), np.array([0.1, 0.25]), (0.05, 0)),
        (np.array([[0.6, 0.4], [0.1, 0.9]]), np.array([[0.4, 0.6], [0.1, 0.9]]), (0.2, 1)),
        (np.array([1, 0, 1]), np.array([1, 1, 1]), (1.0, 1)),
        (np.array(["a", "b"]), np.array(["a", "c"]), (0.0, 1)),
        (np.array([np.nan, 1.0]), np.array([np.nan, 1.0]), (0.0, 0)),
        (np.array([1.0]), np.array([1.0, 2.0]), (np.inf, 2)),
        (pd.Series([1.0]), pd.DataFrame({"a": [1.0]}).a, (0.0, 0)),
        (np.empty(0), np.empty(0), (0.0, 0)),
    ],
)
def test_answers_are_apart_by_their_greatest_difference_and_their_labels(one, other, expected):
    assert apart(one, other) == pytest.approx(expected)


@pytest.mark.parametrize("became", [np.nan, np.inf, -np.inf])
def test_an_answer_that_became_no_number_is_infinitely_far_apart(became):
    assert apart(np.array([1.0, 2.0]), np.array([became, 2.0])) == (np.inf, 0)
    assert apart(np.array([became]), np.array([became])) == (0.0, 0)


def write_onnx(file, factor, width=3, kind=TensorProto.FLOAT):
    weight = helper.make_tensor("w", kind, [1], [factor])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "toy",
        [helper.make_tensor_value_info("x", kind, [None, width])],
        [helper.make_tensor_value_info("y", kind, [None, width])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(file))
    return file


def test_onnx_files_are_fed_the_same_drawn_inputs(tmp_path):
    one = write_onnx(tmp_path / "one.onnx", 2.0)

    assert compare_onnx(one, write_onnx(tmp_path / "same.onnx", 2.0)) is None
    name, largest = compare_onnx(one, write_onnx(tmp_path / "other.onnx", 2.5))
    assert (name, 0.1 < largest < 5) == ("one.onnx", True)
    assert compare_onnx(one, write_onnx(tmp_path / "wide.onnx", 2.0, width=4))[1] == np.inf
    assert compare_onnx(one, tmp_path / "none.onnx")[1] == np.inf
    assert compare_onnx(one, write_onnx(tmp_path / "nan.onnx", np.nan))[1] == np.inf


def test_the_shortest_table_with_every_column_comes_first(tmp_path):
    files = []
    for name, columns, rows in (("long", "ab", 9), ("short", "abc", 3), ("narrow", "a", 1), ("empty", "ab", 0)):
        files.append(str(tmp_path / f"{name}.parquet"))
        pq.write_table(pa.table({column: list(range(rows)) for column in columns}), files[-1])
    (tmp_path / "broken.parquet").write_text("no table")

    found = fitting(["a", "b"], [*files, str(tmp_path / "broken.parquet")])

    assert found == [files[1], files[0]]


def test_a_table_in_text_is_a_candidate_too(tmp_path):
    (tmp_path / "rows.csv").write_text("y,x\n1,2\n3,4\n5,6\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").write_text("")
    pq.write_table(pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]}), tmp_path / "rows.parquet")
    files = [str(tmp_path / name) for name in ("rows.csv", "other.csv", "empty.csv", "rows.parquet")]

    assert fitting(["x", "y"], files) == [files[3], files[0]]
    assert read_rows(files[0], None, ["x", "y"]).to_dict("list") == {"x": [2, 4, 6], "y": [1, 3, 5]}


def test_a_model_without_a_signature_gets_the_columns_that_it_was_fitted_with(tmp_path):
    frame = pd.DataFrame({"late": [0, 0, 1, 1], "x": [1.0, 2.0, 3.0, 4.0]})
    mlflow.sklearn.save_model(LogisticRegression().fit(frame[["x"]], frame["late"]), str(tmp_path / "model"))
    frame.to_csv(tmp_path / "flights.csv", index=False)

    rows, source = find_rows(tmp_path / "model", "", [str(tmp_path / "flights.csv")])

    assert (list(rows.columns), Path(source).name) == (["x"], "flights.csv")
    assert find_rows(tmp_path / "model", str(tmp_path / "flights.csv"), [])[0].equals(rows)
