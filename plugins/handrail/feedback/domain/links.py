"""Links by which an end user says one thing about one prediction: what a link allows, how it is sealed and read."""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from handrail.errors import InvalidInput, Refused
from handrail.feedback.domain.kinds import Kind

VERSION = 1
SOURCE = "link"
"""The source of what is said by a link; a kind with `sources` has to name it."""
LONGEST = timedelta(days=3660)
MOST_QUESTION, MOST_TOKEN, MOST_CHOICES = 200, 8_192, 21
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")


class ForeignLink(Refused):
    """A link that this installation did not make, or made with a secret that it no longer has."""

    def __init__(self, token: str) -> None:
        reason = "It was not made here, was changed on its way, or was withdrawn."
        super().__init__(f"The link {token[:12]!r}...", (reason,))
        self.token = token


class ExpiredLink(Refused):
    """A link whose time is over."""

    def __init__(self, expired_at: str) -> None:
        super().__init__("This link", (f"It expired on {expired_at}.",))
        self.expired_at = expired_at


@dataclass(frozen=True, slots=True)
class Link:
    """What the holder of a link may do: say something of this kind about this prediction, before it expires.

    `question` is shown above the form; empty: a sentence made from the kind.
    """

    prediction_id: str
    kind: str
    expires_at: datetime
    question: str = ""

    def __post_init__(self) -> None:
        if len(self.question) > MOST_QUESTION or not self.question.isprintable():
            problem = "it is too long, or not on one line"
            raise InvalidInput("question", problem, f"Write up to {MOST_QUESTION} characters.")


def seal(link: Link, secret: bytes) -> str:
    """Return the token of a link: its content, readable by all, and a MAC over exactly this text (HMAC-SHA256)."""
    expires = int(link.expires_at.timestamp())
    content = json.dumps([VERSION, link.prediction_id, link.kind, expires, link.question], separators=(",", ":"))
    text = urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
    return f"{text}.{_mac(text, secret)}"


def unseal(token: str, secret: bytes | None, now: datetime) -> Link:
    """Return what a token allows at this moment; without a secret no token is ours.

    Nothing of a token is read before its MAC is known to be right.

    Raises:
        ForeignLink: it was not sealed with this secret.
        ExpiredLink: it was, and its time is over.
    """
    match = _TOKEN.fullmatch(token) if len(token) <= MOST_TOKEN else None
    if match is None or secret is None or not hmac.compare_digest(match[2], _mac(match[1], secret)):
        raise ForeignLink(token)
    content = json.loads(urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    if content[0] != VERSION:
        raise ForeignLink(token)
    _, prediction_id, kind, expires, question = content
    link = Link(prediction_id, kind, datetime.fromtimestamp(expires, UTC), question)
    if now >= link.expires_at:
        raise ExpiredLink(f"{link.expires_at:%Y-%m-%d at %H:%M} UTC")
    return link


def choices(kind: Kind) -> tuple[float, ...]:
    """Return the values among which a person chooses, in order; empty where a number has to be written."""
    if kind.values:
        return tuple(sorted(kind.values)) if len(kind.values) <= MOST_CHOICES else ()
    low, high = kind.at_least, kind.at_most
    if not kind.whole or low is None or high is None or high - low >= MOST_CHOICES:
        return ()
    first = int(low) if low == int(low) else int(low // 1) + 1
    return tuple(float(number) for number in range(first, int(high // 1) + 1))


def _mac(text: str, secret: bytes) -> str:
    # Whatever else the secret may be used for one day, this is another key.
    key = hmac.new(secret, b"handrail feedback link 1", sha256).digest()
    return urlsafe_b64encode(hmac.new(key, text.encode(), sha256).digest()).rstrip(b"=").decode()
