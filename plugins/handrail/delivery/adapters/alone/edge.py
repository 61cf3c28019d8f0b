"""Answers with the model of this folder where Handrail is not installed, after its permit was verified.

    python edge.py --use SERVER/MODEL/ALIAS/ENVIRONMENT --key-id HEX < rows.ndjson > answers.ndjson

A row is a JSON object: `subject`, and the model's features by name, null where nothing is known. Answers are rows that
`handrail feedback import answers.ndjson` records. See requirements.txt for what it needs.
"""

import argparse
import hashlib
import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from permitted import NotPermitted, read_permitted


class Model:
    """A model whose permit holds for a use; nothing is loaded but bytes that the permit lists."""

    def __init__(self, folder: Path, use: str, key_id: str, service: str = "edge") -> None:
        """Load what is below `folder` if its permit allows it for this use; see `read_permitted`."""
        permit, (network, scoring) = read_permitted(folder, ("onnx/model.onnx", "scoring.json"), use, key_id)
        self.scoring, options = json.loads(scoring), onnxruntime.SessionOptions()
        self.kind = self.scoring.get("kind", "binary")
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        version = f"v{permit['version']}-{permit['tree_digest'].removeprefix('sha256:')[:12]}"
        self.deployment = f"deploy://{permit['environment']}/{permit['model']}-{service}/{version}"

    def answer(self, rows: list[Any], made_at: datetime) -> list[dict[str, Any]]:
        """Return an answer for each row, in their order; `made_at` is the moment at which their values were known."""
        for row in rows:
            if not isinstance(row, dict) or not isinstance(row.get("subject"), str) or not row["subject"]:
                raise NotPermitted(f"{row!r:.80} names no subject: write an object with a text as `subject`.")
        columns = [self._column(rows, name) for name in self.scoring["features"]]
        encoded = np.array(columns, dtype=np.float64).astype(np.float32).T.copy()
        output = "probabilities" if self.kind in ("binary", "multiclass") else self.session.get_outputs()[0].name
        values = self.session.run([output], {self.session.get_inputs()[0].name: encoded})[0] if rows else ()
        asked = zip(rows, encoded, values, strict=True)
        return [self._said(row["subject"], made_at, features, one.reshape(-1)) for row, features, one in asked]

    def _column(self, rows: list[dict[str, Any]], name: str) -> list[float]:
        classes = self.scoring["categories"].get(name)
        codes = None if classes is None else {text: code for code, text in enumerate(classes)}
        column = []
        for row in rows:
            value, wanted = row.get(name, self), (int, float) if codes is None else (str,)
            if value is not None and not isinstance(value, wanted):
                problem = "is missing" if value is self else f"is {value!r:.80}"
                form = "a number" if codes is None else "a text"
                raise NotPermitted(f"{row['subject']!r}: {name} {problem}; write {form}, or null where it is unknown.")
            known = value if codes is None else codes.get(value)
            column.append(float("nan") if known is None else float(known))
        return column

    def _said(self, subject: str, made_at: datetime, features: np.ndarray, values: np.ndarray) -> dict[str, Any]:
        score, label = float(values.max() if self.kind == "multiclass" else values[-1]), 0
        if not np.isfinite(score):
            raise NotPermitted(f"{subject!r}: the model answers no number.")
        if self.kind in ("binary", "multiclass"):
            label = int(score >= self.scoring["threshold"]) if self.kind == "binary" else int(values.argmax())
        moment = made_at.astimezone(UTC).isoformat(timespec="microseconds")
        named = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([self.deployment, subject, moment]))
        digest = "sha256:" + hashlib.sha256(features.tobytes()).hexdigest()
        about = {"prediction_id": str(named), "deployment": self.deployment, "subject": subject, "made_at": moment}
        service = self.scoring["feature_service"]["name"]
        return about | {"score": score, "label": label, "features_digest": digest, "feature_service": service}


def main() -> int:
    """Answer each line of stdin on stdout; return 1 if the model may not be used, or a line could not be answered."""
    options = argparse.ArgumentParser(description="Answer rows with the permitted model of this folder.")
    options.add_argument("--use", required=True, help="what it is used for, as server/model/alias/environment")
    options.add_argument("--key-id", required=True, help="sha256 of the gate's public key in DER form")
    given, failed, number = options.parse_args(), 0, 0
    try:
        model = Model(Path(__file__).resolve().parent, given.use, given.key_id)
        for number, line in enumerate(sys.stdin, 1):
            try:
                sys.stdout.write(json.dumps(model.answer([json.loads(line)], datetime.now(UTC))[0]) + "\n")
                sys.stdout.flush()
            except (NotPermitted, ValueError, OverflowError, RecursionError) as err:
                failed = 1
                sys.stderr.write(f"error: line {number}: {err}\n")
    except NotPermitted as err:
        failed = 1
        sys.stderr.write(f"error: {err}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
