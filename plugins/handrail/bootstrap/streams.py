"""Opens streams of messages: which broker stands behind an address, and what lets us in there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from handrail.bootstrap import Platform
from handrail.errors import Misconfigured
from handrail.feedback.domain.messages import StreamAddress
from handrail.feedback.domain.values import Prediction, Receipt
from handrail.feedback.service.sending import Sending
from handrail.feedback.stream_ports import MessageStream, StreamWriter
from handrail.streams import StreamSettings
from handrail.tools import require

__all__ = ["SpoolTarget", "open_stream", "open_writer"]

EXTRA = "streams"


def open_stream(address: StreamAddress, settings: StreamSettings, again_after_s: float) -> MessageStream:
    """Open one consumer of the group of an address; it connects at its first use.

    What a consumer took and did not acknowledge for `again_after_s` comes again to another one.

    Raises:
        MissingTool: the client of the broker is not installed.
        Misconfigured: the file with credentials cannot be read.
    """
    credentials = _credentials(settings)
    if address.is_nats:
        require("nats", EXTRA)
        from handrail.feedback.adapters.nats_stream import NatsStream

        return NatsStream(address, credentials, again_after_s)
    require("redis", EXTRA)
    from handrail.feedback.adapters.redis_stream import RedisStream

    return RedisStream(address, credentials, again_after_s)


def open_writer(address: StreamAddress, settings: StreamSettings) -> StreamWriter:
    """Open what writes into the stream of an address; it connects at its first use.

    Raises:
        MissingTool: the client of the broker is not installed.
        Misconfigured: the file with credentials cannot be read.
    """
    credentials = _credentials(settings)
    if address.is_nats:
        require("nats", EXTRA)
        from handrail.feedback.adapters.nats_stream import NatsWriter

        return NatsWriter(address, credentials)
    require("redis", EXTRA)
    from handrail.feedback.adapters.redis_stream import RedisWriter

    return RedisWriter(address, credentials)


class SpoolTarget:
    """Where the spool of a serving process is drained to: the log, or the stream that the settings name.

    A process uses one of its own.
    """

    def __init__(self, platform: Platform) -> None:
        """Open nothing before the first prediction."""
        self._platform = platform
        self._writer: StreamWriter | None = None

    def record(self, predictions: Sequence[Prediction]) -> Receipt:
        """Record predictions in the log, or write them into the stream; repeating it changes nothing in the end.

        Raises:
            HandrailError: store or broker are not there, or cannot be used as the settings say.
        """
        return self._record()(predictions)

    def close(self) -> None:
        """Leave the broker, if there is one."""
        if self._writer is not None:
            self._writer.close()

    def _record(self) -> Callable[[Sequence[Prediction]], Receipt]:
        settings = self._platform.settings.stream
        if settings.url is None or settings.name is None:
            return self._platform.feedback.record_predictions
        if self._writer is None:
            self._writer = open_writer(StreamAddress(settings.url, settings.name), settings)
        return Sending(self._writer).send


def _credentials(settings: StreamSettings) -> str | None:
    if settings.credentials_file is not None:
        return _read(settings.credentials_file)
    return settings.credentials.get_secret_value() if settings.credentials else None


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as err:
        said = getattr(err, "strerror", None) or "it is not a text"
        raise Misconfigured(str(file), f"the credentials cannot be read: {said}", "Name another file.") from err
    if not text:
        raise Misconfigured(str(file), "it holds no credentials", "Write user:password into it.")
    return text
