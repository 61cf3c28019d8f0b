"""Reads a moment, a day, a month or a year as people write them, the way that pages print them among others."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from handrail.entrypoints.console.words import moment, when
from handrail.errors import InvalidInput

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
SECOND = timedelta(seconds=1)
REMEDY = "Write it like 2026-11-28 21:54, 28 Nov 2026, 2026-11-28, 2026-11, November 2026 or 2026."
Span = tuple[datetime, datetime]
"""The first and the last second that were meant; for a moment both are it."""


def read_span(text: str, field: str = "at", now: datetime | None = None) -> Span:
    """Return the time that a person wrote, in UTC where no zone is named.

    Args:
        text: a moment, a day, a month or a year; a month without a year is the last one up to `now`.
        field: the name by which it was sent.
        now: the present; without it a month needs its year.

    Raises:
        InvalidInput: it is none of these.
    """
    asked = " ".join(text.split())
    # A zone can lead out of the calendar.
    with suppress(ValueError, OverflowError):
        for form, meant in FORMS:
            if found := form.fullmatch(asked):
                return meant(found)
        if now and (name := _month(asked)):
            return _whole_month(now.year - (name > now.month), name)
        at = _moment(asked)
        return at, at
    raise InvalidInput(field, f"{text!r:.80} is not a moment", REMEDY)


def read_moment(text: str, field: str = "at") -> datetime:
    """Return the moment that a person wrote, in UTC where no zone is named; a day, a month or a year means its end.

    `field` is the name by which it was sent.

    Raises:
        InvalidInput: it is no moment.
    """
    return read_span(text, field)[1]


def read_past(text: str, field: str, now: datetime) -> datetime:
    """Return a moment as `read_moment` does, which is not later than now.

    Raises:
        InvalidInput: it is no moment, or it lies in the future.
    """
    found = read_moment(text, field)
    if found > now:
        raise InvalidInput(field, f"{when(found)} is not there yet", f"Ask for a moment up to now, {when(now)}.")
    return found


def _month(name: str) -> int:
    """Return the number of a month by its English name or the first three letters of it, 0 if it is none."""
    known = name.lower().rstrip(".")
    return next((at for at, month in enumerate(MONTHS, 1) if len(known) >= 3 and month.startswith(known)), 0)


def _day(year: int, month: int, number: int) -> Span:
    day = date(year, month, number)
    return datetime.combine(day, time(), UTC), datetime.combine(day, time(23, 59, 59), UTC)


def _whole_month(year: int, month: int) -> Span:
    start = datetime(year, month, 1, tzinfo=UTC)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return start, after - SECOND


def _written_out(found: re.Match[str]) -> Span:
    """Read `28 Nov 2026, 21:55:13 UTC` and `28.11.2026 21:55`, with the time or without."""
    month = int(found["month"]) if found["month"].isdigit() else _month(found["month"])
    first, last = _day(int(found["year"]), month, int(found["day"]))
    if not found["time"]:
        return first, last
    at = datetime.combine(first, time.fromisoformat(found["time"].zfill(5)), UTC)
    return at, at


def _moment(text: str) -> datetime:
    asked = re.sub(r"\s*(UTC|utc|Z|z)$", "+00:00", text)
    return moment(re.sub(r"(\d)\s+([+-]\d\d:?\d\d)$", r"\1\2", asked))


_TIME = r"(?:,? (?:at )?(?P<time>\d{1,2}:\d\d(?::\d\d)?)(?: ?UTC)?)?"
FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Span]], ...] = tuple(
    (re.compile(form), meant)
    for form, meant in (
        (r"(\d{4})-?(\d\d)-?(\d\d)", lambda found: _day(*map(int, found.groups()))),
        (r"(\d{4})-(\d\d)", lambda found: _whole_month(*map(int, found.groups()))),
        (r"(\d{4})", lambda found: (_whole_month(int(found[1]), 1)[0], _whole_month(int(found[1]), 12)[1])),
        (r"([A-Za-z]{3,9}\.?),? (\d{4})", lambda found: _whole_month(int(found[2]), _month(found[1]))),
        (rf"(?P<day>\d{{1,2}})\.? ?(?P<month>[A-Za-z]{{3,9}})\.?,? (?P<year>\d{{4}}){_TIME}", _written_out),
        (rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){_TIME}", _written_out),
    )
)
"""Each way to write it beside what it means; a month or a day that does not exist is a ValueError."""
