"""Where online features are kept: a SQLite file below home, or the Redis that the setting `online.url` names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from handrail.errors import Misconfigured

SETTING = "online.url"
EXPECTED = "Write redis://user:password@host:6379/0, or rediss:// for TLS; or unset it for a SQLite file below home."


def online_section(url: str | None, home: Path) -> dict[str, Any]:
    """Return the section `online_store` of Feast's configuration.

    Raises:
        Misconfigured: the address is not one of Redis, or holds what Feast cannot take. It may hold a password, so it
            is not shown.
    """
    if url is None:
        return {"type": "sqlite", "path": str(home / "online.db")}
    try:
        parts = urlsplit(url)
        place, number = f"{parts.hostname}:{parts.port or 6379}", int(parts.path.strip("/") or 0)
    except ValueError as err:
        raise Misconfigured(SETTING, "it is not an address of Redis", EXPECTED) from err
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or ":" in parts.hostname:
        raise Misconfigured(SETTING, "it is not an address of Redis", EXPECTED)
    options: dict[str, Any] = {"db": number, "ssl": parts.scheme == "rediss"}
    options |= {
        name: unquote(value) for name, value in (("username", parts.username), ("password", parts.password)) if value
    }
    options |= dict(parse_qsl(parts.query))
    written = [f"{name}={json.dumps(value)}" for name, value in options.items()]
    # Feast divides them at commas.
    if any("," in each for each in written):
        raise Misconfigured(SETTING, "it holds a comma, which Feast cannot take", "Choose a password without one.")
    return {"type": "redis", "connection_string": ",".join((place, *written))}
