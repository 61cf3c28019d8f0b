"""The bearer token of the served bento: made once, kept in a file that its owner alone may read."""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path

from handrail.errors import Misconfigured
from handrail.files import create_file
from handrail.settings import Settings, make_home

MIN_LENGTH = 32


def token_file(settings: Settings) -> Path:
    """Return the file of the token."""
    return settings.credentials / "serving-token.json"


def serving_token(settings: Settings) -> str:
    """Return the token, after making one if there is none yet; two processes that start at once get the same one.

    Raises:
        Misconfigured: the file is readable by others, or holds no usable token.
    """
    file = token_file(settings)
    if not file.exists():
        make_home(settings)
        create_file(file, json.dumps({"token": secrets.token_urlsafe(32)}).encode("ascii"))
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Misconfigured(str(file), "other users may read it", f"Run: chmod 600 {file}")
    try:
        token = json.loads(file.read_text(encoding="utf-8"))["token"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or len(token) < MIN_LENGTH or not token.isascii():
        raise Misconfigured(str(file), "it holds no usable token", "Delete it; the next start makes a new one.")
    return token
