"""Writes predictions into a stream, for services that have no store of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from handrail.feedback.domain.values import Prediction, Receipt
from handrail.feedback.stream_ports import StreamWriter

HEADERS = {"content-type": "application/x-ndjson", "handrail-what": "prediction"}
MOST_BYTES = 250_000
"""Of one message: brokers take up to a million."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends predictions instead of recording them; whoever consumes the stream does that."""

    writer: StreamWriter

    def send(self, predictions: Sequence[Prediction]) -> Receipt:
        """Write predictions into the stream, many a message; sent again they change nothing in the log.

        Raises:
            Unavailable: the broker is not there; send all of them again.
            Misconfigured: it does not let us in, or has no such stream.
        """
        if predictions:
            self.writer.write(list(_bodies(predictions)), HEADERS)
        return Receipt(accepted=len(predictions))


def _bodies(predictions: Sequence[Prediction]) -> Iterator[bytes]:
    body = b""
    for line in map(_line, predictions):
        if body and len(body) + len(line) > MOST_BYTES:
            yield body
            body = b""
        body += line
    yield body


def _line(prediction: Prediction) -> bytes:
    fields = {name: value for name, value in asdict(prediction).items() if value not in ("", None)}
    fields["made_at"] = prediction.made_at.isoformat()
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"
