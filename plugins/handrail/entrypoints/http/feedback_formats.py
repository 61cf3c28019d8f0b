"""What a body may be: one table from media type to what reads it. Nothing here records anything.

Another format is a row of `FORMATS` and a function from a body to rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from handrail.entrypoints.http.feedback_cloudevents import batched, binary, is_binary, structured
from handrail.entrypoints.http.feedback_columns import rows_of
from handrail.entrypoints.http.feedback_decoded import Body, Decoded, Events, Row, media_type, parse
from handrail.entrypoints.http.feedback_messages import MAX_BATCH
from handrail.entrypoints.http.feedback_tables import Limits, arrow_batches, parquet_batches, too_many_rows
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import InvalidInput, MissingTool
from handrail.feedback import Reason, Rejected
from handrail.tools import require

JSON = "application/json"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
CLOUDEVENT = "application/cloudevents+json"
CLOUDEVENTS = "application/cloudevents-batch+json"
MOST_ROWS = 1_000_000
"""Rows of one body in a format for many."""


Decoder = Callable[[Body], Decoded]


def decode(body: Body) -> Decoded:
    """Read a body as its media type says.

    Raises:
        Rejection: the media type is not taken (415), or there are too many rows (413).
        InvalidInput: the body cannot be read, or a single row is wrong.
    """
    decoded = decode_each(body)
    if decoded.alone and isinstance(decoded.rows[0], Rejected):
        raise _refused(decoded.rows[0])
    return decoded


def decode_each(body: Body) -> Decoded:
    """Read a body as its media type says; a single row that is wrong comes back as such.

    Raises:
        Rejection: the media type is not taken (415), or there are too many rows (413).
        InvalidInput: the body cannot be read.
    """
    sent = body.headers.get("content-type", "")
    decoder = binary if is_binary(body.headers) else FORMATS.get(media_type(sent) or JSON)
    if decoder is None:
        detail = f"The body is {sent[:100]!r}. Send one of: {', '.join(FORMATS)}; nothing was recorded."
        raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, [("accept-post", ", ".join(FORMATS))])
    return decoder(body)


def _json(body: Body) -> Decoded:
    content = parse(body.content)
    batch = "events" if body.what == "feedback" else "predictions"
    if not isinstance(content, dict):
        detail = f'body: it is not an object. Send one row as an object, or several as {{"{batch}": [...]}}.'
        raise Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if not {"events", "predictions"} & content.keys():
        return Decoded((body.read(content),), alone=True)
    rows = content.get(batch)
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_BATCH:
        remedy = f"Send a list of 1 to {MAX_BATCH:,} rows; {NDJSON} and {ARROW} take more. Nothing was recorded."
        raise InvalidInput(batch, f"it is not a list of 1 to {MAX_BATCH:,}", remedy)
    if other := content.keys() - {batch}:
        raise InvalidInput(
            min(other), f"it does not go with {batch}", "Send it on the path that takes it, or leave it out."
        )
    return Decoded(list(map(body.read, rows)))


def _refused(row: Rejected) -> InvalidInput:
    """Return the error that the fault of a row which came alone is."""
    problem, _, remedy = row.problem.removeprefix(f"{row.field}: ").partition(". ")
    return InvalidInput(row.field, problem, f"{remedy.rstrip('.')}. Nothing of the request was recorded.".lstrip(". "))


def _ndjson(body: Body) -> Decoded:
    lines = [line for line in body.content.splitlines() if line.strip()]
    if len(lines) > MOST_ROWS:
        raise too_many_rows(MOST_ROWS)
    return Decoded([_line(body, line) for line in lines])


def _line(body: Body, line: bytes) -> Row:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        problem = "line: it is not JSON. Write one JSON object a line."
        return Rejected(body.what, Reason.MALFORMED, "line", problem, line.decode("utf-8", "replace"))
    return body.read(content)


def _table(batches: Callable[[bytes, str, Limits], Any]) -> Decoder:
    def decoder(body: Body) -> Decoded:
        try:
            require("pyarrow", "parquet")
        except MissingTool as err:
            raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"This server cannot read tables. {err}") from err
        found = list(batches(body.content, body.what, Limits(MOST_ROWS, body.limit)))
        if body.what == "feedback" and sum(batch.num_rows for batch in found) > MAX_BATCH:
            return Decoded(Events(found, body.now))
        return Decoded([row for batch in found for row in rows_of(batch, body.what, body.now)])

    return decoder


FORMATS: dict[str, Decoder] = {
    JSON: _json,
    NDJSON: _ndjson,
    ARROW: _table(arrow_batches),
    PARQUET: _table(parquet_batches),
    CLOUDEVENT: structured,
    CLOUDEVENTS: batched,
}
"""What reads each media type. A body without one is taken for JSON, one with `ce-` headers for a CloudEvent's data."""
