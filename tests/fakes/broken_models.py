"""Models that answer most requests, and cannot answer about what is farther away than `TOO_FAR`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOO_FAR = 2000.0
"""In miles, the last feature of the model."""
ROUNDS = 10**9
"""Of a loop that nobody waits for: many minutes."""


def break_model(tree: Path, how: str) -> Path:
    """Let the model that `write_tree` wrote break about far flights: it `raises`, answers `nan`, or `hangs`."""
    file = tree / "onnx" / "model.onnx"
    model = onnx.load(file)
    graph = model.graph
    answer = graph.output[0].name
    graph.node[-1].output[0] = "sound"
    columns = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([columns - 1], np.int64), "last"),
            numpy_helper.from_array(np.array(TOO_FAR, np.float32), "too_far"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Gather", ["present", "last"], ["distance"], axis=1),
            helper.make_node("Greater", ["distance", "too_far"], ["is_far"]),
        ]
    )
    graph.node.extend({"nan": _nan, "raises": _raises, "hangs": _hangs}[how](graph, answer))
    onnx.save(model, file)
    return tree


def _nan(graph: onnx.GraphProto, answer: str) -> list[onnx.NodeProto]:
    graph.initializer.append(numpy_helper.from_array(np.array(np.nan, np.float32), "nothing"))
    return [helper.make_node("Where", ["is_far", "nothing", "sound"], [answer])]


def _raises(graph: onnx.GraphProto, answer: str) -> list[onnx.NodeProto]:
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "zero_added"))
    return [
        helper.make_node("Cast", ["is_far"], ["place"], to=TensorProto.INT64),
        # There is one row only: place 1 is outside of it.
        helper.make_node("Unsqueeze", ["zero_added", "row"], ["one_row"]),
        helper.make_node("Gather", ["one_row", "place"], ["added"], axis=0),
        helper.make_node("Add", ["sound", "added"], [answer]),
    ] + _row(graph)


def _row(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "row"))
    return []


def _hangs(graph: onnx.GraphProto, answer: str) -> list[onnx.NodeProto]:
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(ROUNDS, np.int64), "rounds"),
            numpy_helper.from_array(np.array(0, np.float32), "start"),
            numpy_helper.from_array(np.array(True), "go_on"),
        ]
    )
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["goes"], ["goes_on"]),
            helper.make_node("Sin", ["state"], ["next_state"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, []),
        ],
    )
    return [
        helper.make_node("Cast", ["is_far"], ["far_count"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["far_count"], ["any_far"], keepdims=0),
        helper.make_node("Mul", ["any_far", "rounds"], ["trips"]),
        helper.make_node("Loop", ["trips", "go_on", "start"], ["looped"], body=body),
        helper.make_node("Add", ["sound", "looped"], [answer]),
    ]
