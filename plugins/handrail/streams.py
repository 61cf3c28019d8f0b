"""The part of the settings that says how a broker of messages lets us in."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from handrail.config.reading import Section


class StreamSettings(Section):
    """What opens a Redis Stream or a NATS JetStream, and the one into which services write predictions, if any."""

    url: str | None = Field(
        default=None, description="address of the broker that predictions are written to instead of the store"
    )
    name: str | None = Field(default=None, description="the stream there")
    credentials: SecretStr | None = Field(
        default=None, description="user:password of Redis or NATS, a password of Redis, or a token of NATS"
    )
    credentials_file: Path | None = Field(default=None, description="a file that holds the same, instead")

    @model_validator(mode="after")
    def _whole(self) -> StreamSettings:
        if (self.url is None) != (self.name is None):
            raise ValueError("expected url and name together")
        return self
