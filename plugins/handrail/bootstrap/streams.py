"""Opens streams of messages: which broker stands behind an address, and what lets us in there."""

from __future__ import annotations

from pathlib import Path

from handrail.errors import Misconfigured
from handrail.feedback.domain.messages import StreamAddress
from handrail.feedback.stream_ports import MessageStream
from handrail.streams import StreamSettings
from handrail.tools import require

__all__ = ["open_stream"]

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
