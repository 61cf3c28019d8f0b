"""Takes secrets out of what users and tools write, before lineage stores it and sends it on."""

from __future__ import annotations

import re

HIDDEN = "***"
_SCHEME = r"([a-z][a-z0-9+.-]*://"
# Up to the last @ before the path: a password may hold one.
_LOGIN_IN_URL = re.compile(_SCHEME + r")[^/\s\"]*@", re.IGNORECASE)
_QUERY_OF_URL = re.compile(_SCHEME + r"[^\s\"?]+)\?[^\s\"]*", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:password|passwd|pwd|secret|token|api[-_]?key|(?:access|account|private|secret)[-_]?key)"
    r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """Return a text whose URLs hold neither login nor query, and in which what is called a secret is hidden."""
    plain = _QUERY_OF_URL.sub(r"\1", _LOGIN_IN_URL.sub(r"\1", text))
    return _NAMED.sub(rf"\1{HIDDEN}", plain)


def plain_url(url: str) -> str:
    """Return a URL without login, query and fragment, where secrets are put."""
    return _LOGIN_IN_URL.sub(r"\1", re.split("[?#]", url, maxsplit=1)[0], count=1)
