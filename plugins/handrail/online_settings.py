"""Where online features are, and how long a request waits for them: the settings `online`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from handrail.config import Section


class OnlineSettings(Section):
    """The online feature store of a service, and its time limit."""

    url: SecretStr | None = Field(
        default=None,
        description="Redis that holds online features, as redis://127.0.0.1:6379/0; a SQLite file under home if unset",
    )
    within_ms: int = Field(
        default=200, ge=1, le=60_000, description="how long the store may take before a prediction does without"
    )
