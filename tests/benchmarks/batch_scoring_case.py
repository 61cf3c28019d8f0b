"""One measurement of scoring a batch, as JSON: `SIDE ROWS`, where the side is `handrail` or `onnxruntime`.

Both score the same matrix by the same boosted trees on one thread. Handrail's side does what a project's batch does:
load the model from bytes that a permit covers, encode the columns, score, name each prediction and record it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

from flows.steps.modelling.onnx_file import to_onnx_bytes
from flows.steps.release.served_model import ServedModel
from flows.steps.replay.bulk import answered_rows, record_answers
from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import lend_carried
from handrail.delivery import find_carried
from handrail.scoring import ONNX_FILE, Scorer
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.benchmarks.harness import RESULTS, ROOT
from tests.fakes.bento_project import make_carried
from tests.fakes.permitted_tree import CATEGORIES, write_tree

WIDTH = 34
MISSING = 0.05
TREES, LEAVES = 200, 31
START = datetime(2013, 8, 1, tzinfo=UTC)


def matrix(rows: int) -> np.ndarray:
    """Return (rows, WIDTH) float32, some of it missing; the first column holds codes of a category."""
    source = np.random.default_rng(2013)
    values = source.normal(size=(rows, WIDTH)).astype(np.float32)
    values[source.random(values.shape) < MISSING] = np.nan
    values[:, 0] = source.integers(0, 2, rows)
    return values


def network() -> bytes:
    """Return the ONNX model; it is trained once and kept beside the results."""
    kept = RESULTS / "batch-scoring.onnx"
    if not kept.is_file():
        inputs = matrix(20_000)
        label = np.nan_to_num(inputs[:, 1:5]).sum(axis=1) > 0
        model = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(to_onnx_bytes(model.fit(inputs, label), WIDTH, "batch"))
    return kept.read_bytes()


def by_onnxruntime(rows: int, folder: Path) -> dict[str, Any]:
    """Score the matrix, and nothing else."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(network(), options, providers=["CPUExecutionProvider"])
    inputs = matrix(rows)
    began, cpu = time.perf_counter(), time.process_time()
    scores = session.run(["probabilities"], {session.get_inputs()[0].name: inputs})[0][:, 1]
    return {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu, "checksum": float(scores.sum())}


def by_handrail(rows: int, folder: Path) -> dict[str, Any]:
    """Load, encode, score and record, each timed."""
    settings = Settings(project=ROOT, home=folder / "home")
    root = _permitted(settings, folder)
    case, columns = read_use_case(ROOT), _columns(rows)
    steps: dict[str, float] = {}
    began, cpu = time.perf_counter(), time.process_time()
    carried = find_carried(root)
    assert carried is not None
    with lend_carried(settings, carried) as verified:
        model = ServedModel("deploy://local/flights/v1", verified.permitted.tree_digest, Scorer.load(verified.tree))
    steps["verify_s"], last = time.perf_counter() - began, time.perf_counter()
    scored = answered_rows(columns, model.scorer)
    steps["score_s"], last = time.perf_counter() - last, time.perf_counter()
    with open_platform(settings) as platform:
        receipt, _ = record_answers(platform, model, scored, case)
        steps["record_s"] = time.perf_counter() - last
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "checksum": float(scored["score"].cast(pl.Float32).to_numpy().sum()),
        "is_right": receipt.accepted == rows,
        **steps,
    }


def _permitted(settings: Settings, folder: Path) -> Path:
    names = ("carrier", *(f"f{number}" for number in range(1, WIDTH)))
    tree = write_tree(folder / "bento" / "model", features=names)
    (tree / ONNX_FILE).write_bytes(network())
    return make_carried(settings, tree)


def _columns(rows: int) -> pl.DataFrame:
    inputs = matrix(rows)
    names = np.array(CATEGORIES["carrier"])
    columns: dict[str, Any] = {"carrier": names[inputs[:, 0].astype(int)]}
    columns |= {f"f{number}": inputs[:, number].astype(np.float64) for number in range(1, WIDTH)}
    made = [START + timedelta(seconds=place) for place in range(rows)]
    frame = pl.DataFrame({"flight_id": [f"f{place}" for place in range(rows)], "event_timestamp": made, **columns})
    return frame.with_columns(pl.col("event_timestamp").cast(pl.Datetime("us", "UTC")))


def main() -> None:
    """Print seconds of the side."""
    side, rows = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
        measure = {"handrail": by_handrail, "onnxruntime": by_onnxruntime}[side]
        sys.stdout.write(json.dumps(measure(rows, Path(folder))) + "\n")


if __name__ == "__main__":
    main()
