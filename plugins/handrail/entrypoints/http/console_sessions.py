"""Who is behind a cookie of the console, and how often an address may try to log in. Nothing is written to disk."""

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
TRIES, WITHIN_S = 10, 60.0
"""How many tokens that do not count an address may send, and in how many seconds."""
MOST_ADDRESSES = 10_000
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
    """Counts the tokens that did not count, by the address that sent them; old addresses are forgotten."""

    clock: Callable[[], float]
    _by_address: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def wait_s(self, address: str) -> int:
        """Return in how many whole seconds an address may try again; 0 if it may now."""
        with self._lock:
            tries = self._recent(address)
            return 0 if len(tries) < TRIES else int(tries[0] + WITHIN_S - self.clock()) + 1

    def failed(self, address: str) -> None:
        """Count a token that did not count."""
        with self._lock:
            tries = self._recent(address)
            tries.append(self.clock())
            self._by_address[address] = tries
            self._by_address.move_to_end(address)
            while len(self._by_address) > MOST_ADDRESSES:
                self._by_address.popitem(last=False)

    def _recent(self, address: str) -> deque[float]:
        tries = self._by_address.get(address, deque(maxlen=TRIES))
        while tries and tries[0] <= self.clock() - WITHIN_S:
            tries.popleft()
        return tries
