"""What a stream holds: messages, each with a place in it, and the address that a stream has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from handrail.errors import InvalidInput

SCHEMES = ("redis", "rediss", "nats", "tls")
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream: a body, and headers with names in small letters.

    `place` names it for a person, `handle` for the broker, which takes the acknowledgement by it.
    """

    place: str
    handle: str
    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """Where a stream is. `group` is the name under which several consumers share it; a writer needs none."""

    url: str
    name: str
    group: str = "handrail"

    def __post_init__(self) -> None:
        parts = _split(self.url)
        if parts.password is not None or parts.username is not None:
            remedy = "Give them by HANDRAIL_STREAM__CREDENTIALS or --credentials: an address is shown in many places."
            raise InvalidInput("url", "it holds credentials", remedy)
        for field, name in (("stream", self.name), ("group", self.group)):
            if not name or len(name) > LONGEST_NAME or not name.isprintable() or " " in name:
                raise InvalidInput(field, f"{name[:60]!r} is not a name", "Give one without spaces, such as outcomes.")
            if self.is_nats and set(name) & set(".*>/\\"):
                raise InvalidInput(field, f"{name[:60]!r} is not a name in NATS", "Leave out . * > / and \\.")

    @property
    def is_nats(self) -> bool:
        """Whether the broker is NATS, not Redis."""
        return urlsplit(self.url).scheme in ("nats", "tls")

    def __str__(self) -> str:
        return f"{self.url} {self.name}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        found = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        found = False
    if not found:
        shown = repr(url.rpartition("@")[2][:60])
        raise InvalidInput("url", f"{shown} is no address of a broker", "Give redis://host:6379/0 or nats://host:4222.")
    return parts
