"""The lines of a spool: one JSON object each, versioned."""

from __future__ import annotations

import json
from datetime import datetime

from handrail.errors import InvalidInput
from handrail.feedback.domain.values import Prediction

VERSION = 1
LATER = ("variant", "propensity", "sampled", "degraded")


def to_line(prediction: Prediction) -> bytes:
    """Write a prediction as one line of UTF-8 JSON, line break included."""
    fields = {
        "v": VERSION,
        "prediction_id": prediction.prediction_id,
        "deployment": prediction.deployment,
        "subject": prediction.subject,
        "made_at": prediction.made_at.isoformat(),
        "score": float(prediction.score),
        "label": int(prediction.label),
        "features_digest": prediction.features_digest,
        "feature_service": prediction.feature_service,
        "latency_ms": None if prediction.latency_ms is None else float(prediction.latency_ms),
    }
    # What is not said is left out: a drainer of an older release reads these lines too.
    fields |= {name: value for name in LATER if (value := getattr(prediction, name)) not in ("", None)}
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_line(line: bytes) -> Prediction:
    """Read a prediction back.

    Raises:
        InvalidInput: the line is cut off, of another version, or not a prediction.
    """
    try:
        fields = json.loads(line)
        version = fields.pop("v")
        moment = datetime.fromisoformat(fields.pop("made_at"))
        if version != VERSION:
            raise InvalidInput("v", f"{version!r} is not known", "Drain it with the release that wrote it.")
        return Prediction(made_at=moment, **fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
        raise InvalidInput("line", f"it is not a spooled prediction ({err})", "Look at it in rejected.log.") from err
