"""Who is behind a cookie of the console, and how often a caller may try to log in. Nothing is written to disk."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

from handrail.lineage import Access, TokenRecord

GOOD_FOR = timedelta(hours=12)
COOKIE = "handrail_session"
TRIES, TRIES_OF_ALL, WITHIN_S = 10, 100, 60.0
"""How many tokens that do not count an address may send that begin alike, how many in all, and in how many seconds."""
BEGINNING = 8
"""So many characters distinguish tokens here: those of several persons at one address begin differently."""
MOST_REMEMBERED = 10_000
MOST_ENDED = 100_000


@dataclass(frozen=True, slots=True)
class Session:
    """A login: the token behind it as it is recorded now, and the mark that names the login."""

    record: TokenRecord
    mark: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and reads cookies; the secret lives as long as the process, so a restart ends every login.

    A cookie holds the token's name, when it was made, a random mark and a signature over these and the token's digest:
    it ends when the token is revoked, also if another one gets its name.
    """

    access: Access
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _ended: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, token: str, now: datetime) -> str | None:
        """Return the cookie of a new login; None if the token does not count.

        Raises:
            OutOfScope: it counts, and may not ask.
        """
        record = self.access.find(token)
        if record is None:
            return None
        record.scope.check_question(record.holder)
        made, mark = str(int(now.timestamp())), secrets.token_urlsafe(16)
        return f"{record.name}~{made}~{mark}~{self._sign(record, made, mark)}"

    def read(self, cookie: str, now: datetime) -> Session | None:
        """Return the login of a cookie; None if it was not made here, is too old, was ended, or its token is revoked.

        Raises:
            OutOfScope: the token may not ask any more.
        """
        parts = cookie.split("~")
        if len(parts) != 4 or not parts[1].isascii() or not parts[1].isdecimal() or len(parts[1]) > 12:
            return None
        name, made, mark, signature = parts
        age = now.timestamp() - int(made)
        if not -60 <= age < GOOD_FOR.total_seconds() or mark in self._ended:
            return None
        record = next((each for each in self.access.tokens() if each.name == name), None)
        if record is None or not hmac.compare_digest(signature.encode(), self._sign(record, made, mark).encode()):
            return None
        record.scope.check_question(record.holder)
        return Session(record, mark)

    def end(self, session: Session, now: datetime) -> None:
        """Make a login's cookie count no more, wherever a copy of it may lie."""
        with self._lock:
            self._ended[session.mark] = now
            # The oldest one first; an older cookie counts no more anyway.
            over = now - GOOD_FOR - timedelta(minutes=1)
            while next(iter(self._ended.values())) < over or len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)

    def _sign(self, record: TokenRecord, made: str, mark: str) -> str:
        key = hmac.new(self.secret, b"handrail console session 1", sha256).digest()
        about = "\0".join((record.name, record.digest, made, mark))
        return hmac.new(key, about.encode(), sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Tries:
    """Counts the tokens that did not count, by the address that sent them and how they begin; old ones are forgotten.

    Whoever sends the same wrong token again and again has to wait, and others behind the same address do not.
    """

    clock: Callable[[], float]
    _failed: OrderedDict[tuple[str, str], deque[float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def wait_s(self, address: str, token: str) -> int:
        """Return in how many whole seconds an address may send such a token; 0 if it may now."""
        with self._lock:
            return max(self._wait_s(key, most) for key, most in _counted(address, token))

    def failed(self, address: str, token: str) -> None:
        """Count a token that did not count."""
        with self._lock:
            for key, most in _counted(address, token):
                tries = self._recent(key)
                tries.append(self.clock())
                # No more than the newest that a limit looks at.
                self._failed[key] = deque(tries, maxlen=most)
                self._failed.move_to_end(key)
            while len(self._failed) > MOST_REMEMBERED:
                self._failed.popitem(last=False)

    def _wait_s(self, key: tuple[str, str], most: int) -> int:
        tries = self._recent(key)
        return 0 if len(tries) < most else int(tries[0] + WITHIN_S - self.clock()) + 1

    def _recent(self, key: tuple[str, str]) -> deque[float]:
        tries = self._failed.get(key, deque())
        while tries and tries[0] <= self.clock() - WITHIN_S:
            tries.popleft()
        return tries


def _counted(address: str, token: str) -> tuple[tuple[tuple[str, str], int], ...]:
    """Return what a token is counted under, each with its limit: the address with its beginning, and the address."""
    return ((address, f"begins {token[:BEGINNING]}"), TRIES), ((address, "all"), TRIES_OF_ALL)
