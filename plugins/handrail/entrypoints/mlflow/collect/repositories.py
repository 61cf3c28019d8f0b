"""What a repository is called by its address, so that all ways to write one address give one name."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from handrail.entrypoints.hosts.masking import plain_url

_SHORT_SSH = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\\\s]{2,}):(?P<path>(?!//).+)")


def repository_name(address: str) -> str:
    """Return `host/path` of an address of git, without login, usual port and `.git`; a local path stays a path."""
    plain = plain_url(address.strip())
    scheme, separator, _ = plain.partition("://")
    if not separator:
        short = _SHORT_SSH.fullmatch(plain)
        return f"{short['host'].lower()}/{_path(short['path'])}" if short else _folder(plain)
    if scheme == "file":
        return _folder(urlsplit(plain).path)
    authority, _, path = plain[len(scheme) + 3 :].partition("/")
    # The same repository is often reached by https and by ssh, each with its own port.
    return f"{authority.partition(':')[0].lower()}/{_path(path)}"


def _path(path: str) -> str:
    return _folder(path).strip("/")


def _folder(path: str) -> str:
    return path.rstrip("/").removesuffix("/.git").removesuffix(".git").rstrip("/")
