"""The part of the settings that says how a broker of messages lets us in."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from handrail.config.reading import Section


class StreamSettings(Section):
    """What opens a Redis Stream or a NATS JetStream; nothing, where the broker lets everybody in."""

    credentials: SecretStr | None = Field(
        default=None, description="user:password of Redis or NATS, a password of Redis, or a token of NATS"
    )
    credentials_file: Path | None = Field(default=None, description="a file that holds the same, instead")
