"""What people write: plain lines, which no terminal and no page can take for anything else; and how they are shown."""

from __future__ import annotations

import unicodedata

from handrail.errors import InvalidInput

MAX_TEXT = 4000
_FORBIDDEN = {
    "Cc": "a control character",
    "Cf": "a character without a shape of its own",
    "Cs": "half a character",
    "Zl": "a line break",
    "Zp": "a line break",
}


def plain_text(field: str, value: object) -> str:
    """Return a text of a person without space around it.

    Raises:
        InvalidInput: it is empty, longer than 4,000 characters, or holds a line break, a control character, a sign
            that turns the direction of writing, or half of a surrogate pair.
    """
    if not isinstance(value, str) or not value.strip(" "):
        raise InvalidInput(field, f"{shown(str(value))[:80]!r} is not a text", "Send a line of text.")
    if len(value) > MAX_TEXT:
        less = f"Send at most {MAX_TEXT:,}, and keep the rest where a link can lead."
        raise InvalidInput(field, f"it has {len(value):,} characters", less)
    for place, character in enumerate(value, 1):
        what = "a line break" if character in "\r\n" else _FORBIDDEN.get(unicodedata.category(character))
        if what:
            raise InvalidInput(
                field, f"character {place} is {what}, U+{ord(character):04X}", "Send one line of printable characters."
            )
    return value.strip(" ")


def shown(text: str) -> str:
    """Return the text with everything that is not printable as an escape, so that it stays one line."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
