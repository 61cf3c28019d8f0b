"""From messages of a stream to rows: what a message is, what its writer may send, and what is set aside."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.http.content_coding import unpack
from handrail.entrypoints.http.feedback_bodies import SMALLER
from handrail.entrypoints.http.feedback_callers import Caller, allowed, allows_all
from handrail.entrypoints.http.feedback_decoded import Body, Events, Row, media_type
from handrail.entrypoints.http.feedback_formats import ARROW, NDJSON, PARQUET, decode_each
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import HandrailError, InvalidInput, Refused, Unavailable
from handrail.feedback import Message, Reason, Receipt, Rejected
from handrail.tools import require

SAYS_WHAT = "handrail-what"
"""The header by which a message may say what it holds."""
NAMES = {"prediction": "prediction", "predictions": "prediction", "feedback": "feedback"}
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What reading a hostile message might raise beside what it says: it must never stop those behind it."""
MOST_KEPT = 50_000
_log = logging.getLogger("handrail.feedback")


@dataclass(frozen=True, slots=True)
class Writers(Caller):
    """Those who write into a stream, and what of it is taken; nothing that the command does not name.

    None for kinds or sources takes any.
    """

    may: frozenset[str]
    kinds: frozenset[str] | None
    sources: frozenset[str] | None
    origin: str = ""

    def check(self, what: str) -> None:
        """Refuse rows of a sort that the command does not name."""
        needed = "predict" if what == "prediction" else "report"
        if needed not in self.may:
            raise Refused("Recording", (f"No {what} is taken from this stream. Consume it with --may {needed}.",))

    def check_outcome(self, kind: str, source: str) -> None:
        """Refuse an event of a kind or a source that the command does not name."""
        self.check("feedback")
        if self.kinds is not None and kind not in self.kinds:
            raise Refused("Reporting", (f"The kind {kind!r} is not taken from here. Consume it with --kind {kind}.",))
        if self.sources is not None and source not in self.sources:
            problem = f"No feedback of {source!r} is taken from this stream. Consume it with --source {source}."
            raise Refused("Reporting", (problem,))


@dataclass(frozen=True, slots=True)
class Recording:
    """Records messages of one stream, all of them with one wait for the disk."""

    platform: Platform
    writers: Writers
    where: str

    def record(self, messages: Sequence[Message]) -> Receipt:
        """Record what messages say, and set aside what cannot be recorded; see `Consuming`.

        Raises:
            Unavailable: the store is not there, or more waits to be written than it takes.
            Misconfigured: the log cannot be opened.
        """
        log = self.platform.feedback
        rows: list[Row] = []
        origins: list[str] = []
        receipt = Receipt()
        for message in messages:
            sender = replace(self.writers, origin=f"{self.where} {message.place}")
            found = self._read(message, sender)
            if isinstance(found, Events) and allows_all(found, sender):
                receipt += log.receive_events(found.columns, sender.origin)
                continue
            rows += [allowed(row, sender) for row in found]
            origins += [sender.origin] * len(found)
        return receipt + log.receive(rows, origins) if rows else receipt

    def _read(self, message: Message, sender: Writers) -> Sequence[Row]:
        what = "feedback"
        try:
            if not message.content:
                raise InvalidInput("body", "the message has none", "Write it into the field `body` of an entry.")
            body = self._body(message)
            what = body.what
            sender.check(what)
            return decode_each(body).rows
        except Unavailable:
            raise
        except Refused as err:
            return [_aside(message, what, str(err), Reason.NOT_ALLOWED)]
        except Rejection as err:
            return [_aside(message, what, err.detail)]
        except HandrailError as err:
            return [_aside(message, what, str(err))]
        except UNREADABLE as err:
            _log.exception("A message of %s cannot be read", sender.origin)
            return [
                _aside(message, what, f"It cannot be read ({type(err).__name__}). Look at the log of this command.")
            ]

    def _body(self, message: Message) -> Body:
        limit = self.platform.settings.feedback_max_bytes
        if len(message.content) > limit:
            raise InvalidInput("body", f"it is larger than {limit:,} bytes", SMALLER)
        coding = message.headers.get("content-encoding")
        if "zstd" in (coding or "") or media_type(message.headers.get("content-type", "")) in (ARROW, PARQUET):
            # A package that is missing here is no fault of the message.
            require("pyarrow", "parquet")
        content = unpack(message.content, coding, limit, SMALLER)
        what = what_of(content, message.headers)
        return Body(content, what, self.platform.event_clock(), message.headers, limit)


def what_of(content: bytes, headers: Any) -> str:
    """Return what a message holds, prediction or feedback: what it says itself, else by whether there is a score.

    Raises:
        InvalidInput: it says something else.
    """
    said = headers.get(SAYS_WHAT)
    if said is not None:
        if said not in NAMES:
            raise InvalidInput(SAYS_WHAT, f"{said[:40]!r} is neither", "Write prediction or feedback, or leave it out.")
        return NAMES[said]
    return "prediction" if "score" in _names(content, media_type(headers.get("content-type", ""))) else "feedback"


def _names(content: bytes, media: str) -> Any:
    """Return the fields of a body, as far as it can be read at all."""
    if media in (ARROW, PARQUET):
        return _columns(content, media)
    first = next((line for line in content.splitlines() if line.strip()), b"") if media == NDJSON else content
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return ()
    if isinstance(found, list):
        found = found[0] if found else ()
    if not isinstance(found, dict):
        return ()
    if "predictions" in found:
        return ("score",)
    # A CloudEvent has its row in `data`.
    data = found.get("data")
    return data if "specversion" in found and isinstance(data, dict) else found


def _columns(content: bytes, media: str) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    buffer = pa.BufferReader(content)
    try:
        return (pa.ipc.open_stream(buffer).schema if media == ARROW else parquet.read_schema(buffer)).names
    except (pa.ArrowException, OSError):
        return ()


def _aside(message: Message, what: str, problem: str, reason: Reason = Reason.MALFORMED) -> Rejected:
    """Return a whole message as one row that cannot be recorded, with what it held."""
    held = message.content[:MOST_KEPT]
    try:
        content: Any = held.decode()
    except UnicodeDecodeError:
        content = {"base64": base64.b64encode(held).decode()}
    headers = {name: text[:500] for name, text in message.headers.items()}
    return Rejected(what, reason, "body", problem, {"body": content, "headers": headers})
