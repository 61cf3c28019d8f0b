"""Who may call a service: makes, lists and revokes keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from handrail.clock import Clock
from handrail.delivery.domain.keys import EVERY_RIGHT, KeyRing, Right, ServingKey, check_name, key_digest, key_text
from handrail.delivery.domain.slots import Slot
from handrail.delivery.key_ports import KeyBook
from handrail.errors import InvalidInput, Refused, UnknownReference

MOST_STANDING = 200
"""So many keys of a slot stand at once: every process of it reads them each second."""
LONGEST = timedelta(days=3650)
LIST_THEM = "Known keys: handrail delivery key list."


class Keys:
    """The keys of one slot."""

    def __init__(self, book: KeyBook, slot: Slot, clock: Clock) -> None:
        self._book, self.slot, self._clock = book, slot, clock

    def make(
        self, name: str, by: str, lifetime: timedelta | None, rights: frozenset[Right] = EVERY_RIGHT
    ) -> tuple[str, ServingKey]:
        """Make a key for a caller and return its text, which cannot be shown a second time, and what is kept of it.

        Earlier keys of that name stay. Without a `lifetime` it does not expire.

        Raises:
            InvalidInput: no name, no lifetime, or no right.
            Refused: too many keys stand.
        """
        check_name(name)
        if lifetime is not None and not timedelta(0) < lifetime <= LONGEST:
            raise InvalidInput("expires", f"{lifetime} is no time to live", f"Give up to {LONGEST.days:,} days.")
        if not rights:
            raise InvalidInput("may", "the key allows nothing", f"Name one of {', '.join(Right)}.")
        now = self._clock()
        if len(self._book.keys(self.slot, now)) >= MOST_STANDING:
            raise Refused("Another key", (f"{self.slot.pointer} has {MOST_STANDING} valid keys. Revoke some first.",))
        key_id = secrets.token_hex(6)
        text = key_text(key_id, secrets.token_urlsafe(32))
        expires = now + lifetime if lifetime is not None else None
        key = ServingKey(key_id, name, self.slot.pointer, key_digest(text), rights, now, by, expires)
        self._book.add(key)
        return text, key

    def all(self) -> Sequence[ServingKey]:
        """Return every key that was made for the slot, by name, the oldest first."""
        return self._book.keys(self.slot)

    def ring(self) -> KeyRing:
        """Return the keys that stand now, for a running service."""
        return KeyRing(self._book.keys(self.slot, self._clock()))

    def revoke(self, which: str, by: str, every: bool = False) -> Sequence[ServingKey]:
        """Revoke the key with an id, or the one of a name; of several of a name none, unless `every`. Return them.

        Raises:
            UnknownReference: no key that stands has that id or name.
            InvalidInput: several of that name stand.
        """
        now = self._clock()
        standing = self._book.keys(self.slot, now)
        named = [key for key in standing if key.key_id == which] or [key for key in standing if key.name == which]
        if not named:
            raise UnknownReference("key that stands", which, LIST_THEM, "key")
        if len(named) > 1 and not every:
            ids = ", ".join(key.key_id for key in named)
            raise InvalidInput("key", f"{which} has {len(named)} keys that stand: {ids}", "Name an id, or say --all.")
        return [key for key in named if self._book.revoke(self.slot, key.key_id, now, by)]
