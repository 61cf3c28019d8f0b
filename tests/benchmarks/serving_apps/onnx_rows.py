"""The model of `bench-serving` as any service could hold it: one session of ONNX Runtime, on one thread.

The programs of this folder run in environments without Handrail; `BENCH_MODEL` names the folder of the model, and
`BENCH_PORT` where they answer.
"""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime

FOLDER = Path(os.environ["BENCH_MODEL"])
PORT = int(os.environ.get("BENCH_PORT", "0"))


class Rows:
    """Scores rows that hold a feature by name, missing ones as None."""

    def __init__(self):
        """Load the model."""
        stored = json.loads((FOLDER / "scoring.json").read_text())
        self.names, self.codes = stored["features"], {}
        for name, texts in stored["categories"].items():
            self.codes[name] = {text: code for code, text in enumerate(texts)}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        network = str(FOLDER / "onnx" / "model.onnx")
        self.session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def scores(self, rows):
        """Return the probability of each row."""
        values = [[self._number(name, row[name]) for name in self.names] for row in rows]
        encoded = np.array(values, dtype=np.float32)
        return self.session.run(["probabilities"], {self.input: encoded})[0][:, 1].astype(float).tolist()

    def answers(self, rows):
        """Return the body of an answer about rows."""
        scored = zip(rows, self.scores(rows), strict=True)
        return {"predictions": [{"flight_id": row["flight_id"], "probability": score} for row, score in scored]}

    def _number(self, name, value):
        return self.codes[name].get(value, np.nan) if name in self.codes else value
