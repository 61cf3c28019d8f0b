"""Opens links for end users: the secret of the installation is a file that its owner alone may read."""

from __future__ import annotations

import re
import secrets
import stat
from datetime import timedelta
from pathlib import Path

from handrail.bootstrap import Platform, open_platform
from handrail.errors import InvalidInput, Misconfigured
from handrail.feedback import Links
from handrail.files import create_file
from handrail.settings import Settings, make_home

__all__ = ["feedback_link", "open_links"]

BYTES = 32
_SECRET = re.compile(r"[0-9a-f]{64}")
_BASE = re.compile(r"https?://[^\s?#]+")


def open_links(platform: Platform, *, make_secret: bool = False) -> Links:
    """Open the links of a project; with `make_secret` the first link makes its secret."""
    settings = platform.settings

    def secret() -> bytes | None:
        return _made(settings) if make_secret else _held(settings)

    return Links(platform.feedback, secret, platform.event_clock)


def feedback_link(  # noqa: PLR0913 - what one link is made of
    prediction_id: str,
    kind: str,
    expires: timedelta = timedelta(days=7),
    *,
    question: str = "",
    url: str = "",
    platform: Platform | None = None,
) -> str:
    """Return the address of a form by which its holder says one thing about one prediction, until it expires.

    `url` is where people reach `handrail serve`, such as https://feedback.example.com; the server's own address if
    empty. `question` is shown above the form. `platform` is that of the project around the current folder if None.

    Raises:
        UnknownReference: the kind is not declared.
        InvalidInput: links may not report the kind, or a value is out of its bounds.
        Misconfigured: the secret cannot be used.
    """
    if platform is None:
        with open_platform() as opened:
            return feedback_link(prediction_id, kind, expires, question=question, url=url, platform=opened)
    settings = platform.settings
    base = url.rstrip("/") or f"http://{settings.host}:{settings.ports.lineage}"
    if not _BASE.fullmatch(base):
        raise InvalidInput("url", f"{url!r} is no address of a server", "Write it as https://feedback.example.com.")
    return f"{base}/feedback/{open_links(platform, make_secret=True).make(prediction_id, kind, expires, question)}"


def _file(settings: Settings) -> Path:
    return settings.credentials / "feedback-link-secret"


def _made(settings: Settings) -> bytes:
    file = _file(settings)
    if not file.exists():
        make_home(settings)
        create_file(file, secrets.token_hex(BYTES).encode("ascii"))
    held = _held(settings)
    if held is None:
        raise Misconfigured(str(file), "it went away", "Make the link again.")
    return held


def _held(settings: Settings) -> bytes | None:
    """Return the secret, read each time: whoever deletes the file withdraws every link at once."""
    file = _file(settings)
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise Misconfigured(str(file), "other users may read it", f"Run: chmod 600 {file}")
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        raise Misconfigured(str(file), "it cannot be read", "Correct its permissions, or delete it.") from err
    if not _SECRET.fullmatch(text):
        raise Misconfigured(str(file), "it holds no usable secret", "Delete it: that withdraws every link.")
    return bytes.fromhex(text)
