"""What columns are for: which one identifies a row, which are the event's and the label's times, which are entities."""

from __future__ import annotations

import re
import shlex
from calendar import day_name, month_name
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from handrail.errors import InvalidInput
from handrail.scaffold.options import NONE, Ask, Options, Question, column_named
from handrail.scaffold.profile import ROW, Profile, Profiled, first_duplicate

ID = re.compile(r"(^|[\s_.-])(?i:id|key|code|uuid|guid|no|nr|number)$|[a-z](Id|ID|Key|Code|No|Number)$")
KNOWN = re.compile(r"known|resolved|closed|settled|outcome|labell?ed|decided", re.IGNORECASE)
FEWEST_THAT_COME_AGAIN, OFTEN, MOST_SUGGESTED = 5, 20, 3
"""Texts of at least so many values, each in so many rows on average, are suggested as entities, up to three."""
MOSTLY = 0.5
"""A column of moments that is filled in more than this part of the rows may be meant as the time of each row."""
CALENDAR = tuple(
    {name.lower() for name in names} | {name[:3].lower() for name in names} for names in (day_name, month_name[1:])
)
"""What comes again by itself: nothing happened to a weekday before."""
NUMBERS = re.compile(r"^(unnamed.*|index|rownames?|row|instant|)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns by what they are for, named as in the table."""

    subject: str | None
    time: str | None
    known: str | None
    entities: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def taken(self) -> frozenset[str]:
        """Columns that are something else than a feature; an entity may be both."""
        return frozenset(name for name in (self.subject, self.time, self.known) if name)


def understand_roles(profiled: Profiled, options: Options, ask: Ask) -> Roles:
    """Return what each column is for.

    Raises:
        InvalidInput: a column that was named does not fit its role.
    """
    others = [each for name, each in profiled.columns.items() if name != profiled.label and not each.skipped]
    subject, said_subject = _subject(profiled, others, options, ask)
    time, said_time = _time(profiled, others, options, ask)
    known, said_known = _known(profiled, others, time, options, ask)
    used = {profiled.label, subject, time, known}
    entities, said_entities = _entities(profiled, [each for each in others if each.name not in used], time, options)
    return Roles(subject, time, known, entities, (said_subject, said_time, said_known, *said_entities))


def _subject(profiled: Profiled, others: Sequence[Profile], options: Options, ask: Ask) -> tuple[str | None, str]:
    guess = _unique_id(profiled, others) or NONE
    chosen = options.subject or ask(Question("--subject", "Which column identifies a row?", guess, _choices(others)))
    if chosen == NONE and NONE not in profiled.columns:
        return None, "No column identifies a row, so rows are numbered. Otherwise: --subject."
    name = column_named(chosen, "--subject", [each.name for each in others])
    column = profiled.columns[name]
    if column.filled < profiled.rows:
        problem = f"{name!r} is empty in {profiled.rows - column.filled:,} rows"
        raise InvalidInput("--subject", problem, f"Fill it, give another column, or write --subject {NONE}.")
    if (duplicate := first_duplicate(profiled, name)) is not None:
        value, row = duplicate
        problem = f"{name!r} is {value!r} a second time in row {row}, and a subject is there once"
        remedy = f"Remove one of the rows, or write --subject {NONE}; what comes again is an --entity."
        raise InvalidInput("--subject", problem, remedy)
    reason = "it was named" if options.subject else "no value comes twice; otherwise: --subject"
    return name, f"{name!r} identifies a row: {reason}."


def _unique_id(profiled: Profiled, others: Sequence[Profile]) -> str | None:
    """Return the first column that is called an id and has each value once."""
    for each in others:
        is_id = ID.search(each.name) or NUMBERS.match(each.name)
        may_be = each.type in ("text", "whole") and each.filled == profiled.rows and each.distinct > 0.9 * each.filled
        if is_id and may_be and first_duplicate(profiled, each.name) is None:
            return each.name
    return None


def _time(profiled: Profiled, others: Sequence[Profile], options: Options, ask: Ask) -> tuple[str | None, str]:
    moments = sorted(
        (each for each in others if each.type == "moment" and each.filled and each.low < each.high),
        key=lambda each: (bool(KNOWN.search(each.name)), each.low),
    )
    past = [each for each in moments if each.filled > profiled.rows * MOSTLY and not is_future(each.high)]
    guess = past[0].name if past else NONE
    chosen = options.time or ask(
        Question("--time", "Which column says when an answer is needed?", guess, _choices(others))
    )
    if chosen == NONE and NONE not in profiled.columns:
        made = "No column says when something happened, so each row gets a moment of six months by a seeded shuffle."
        passed = "" if options.time else _passed_over(profiled, moments, None)
        return None, f"{made} Otherwise: --time.{passed}"
    name = column_named(chosen, "--time", [each.name for each in others])
    _check_moments(profiled, name, "--time")
    reason = "it was named" if options.time else "it is the earliest moment of a row; otherwise: --time"
    zone = f"Moments without an offset are in {profiled.zone}{'' if options.zone else '; otherwise: --zone'}."
    passed = "" if options.time else _passed_over(profiled, moments, name)
    return name, f"{name!r} is when an answer is needed: {reason}. {zone}{passed}"


def _passed_over(profiled: Profiled, moments: Sequence[Profile], chosen: str | None) -> str:
    """Return which moments would come before the chosen ones but cannot be taken, and why."""
    said = ""
    for each in takewhile(lambda column: column.name != chosen, moments):
        if each.filled < profiled.rows:
            said += f" {each.name!r} is passed over, as it is empty in {profiled.rows - each.filled:,} rows."
        elif is_future(each.high):
            said += f" {each.name!r} is passed over, as it lies in the future, up to {each.high:%Y-%m-%d}."
    return said


def _known(
    profiled: Profiled, others: Sequence[Profile], time: str | None, options: Options, ask: Ask
) -> tuple[str | None, str]:
    made = "An outcome is known one day after its event. Otherwise: --known-at."
    if time is None:
        if options.known_at not in (None, NONE):
            raise InvalidInput("--known-at", "it needs the time of the event", "Give --time, too.")
        return None, made
    likely = [
        each for each in others if each.type == "moment" and each.name != time and KNOWN.search(each.name)
        and each.filled == profiled.rows and _first_before(profiled, each.name, time) is None
    ]  # fmt: skip
    guess = likely[0].name if likely else NONE
    chosen = options.known_at or ask(
        Question("--known-at", "Which column says when the outcome is known?", guess, _choices(others))
    )
    if chosen == NONE and NONE not in profiled.columns:
        return None, made
    name = column_named(chosen, "--known-at", [each.name for each in others])
    _check_moments(profiled, name, "--known-at")
    if (row := _first_before(profiled, name, time)) is not None:
        problem = f"{name!r} lies before {time!r} in row {row}, and an outcome is known after its event"
        raise InvalidInput("--known-at", problem, f"Correct the row, or write --known-at {NONE}.")
    reason = "it was named" if options.known_at else "its name says so; otherwise: --known-at"
    return name, f"{name!r} is when the outcome is known: {reason}."


def _entities(
    profiled: Profiled, free: Sequence[Profile], time: str | None, options: Options
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if options.entities == (NONE,) or (time is None and not options.entities):
        return (), ()
    names = [each.name for each in free if each.type in ("text", "whole", "truth")]
    if options.entities:
        return tuple(dict.fromkeys(column_named(each, "--entity", names) for each in options.entities)), ()
    found = tuple(
        each.name
        for each in free
        if each.type in ("text", "whole") and ID.search(each.name) and 2 <= each.distinct <= profiled.rows / 5
    )
    notes = _suggested([each for each in free if each.name not in found], profiled.rows)
    if found:
        shown = ", ".join(map(repr, found))
        said = f"What happened before to the same {shown} is a feature: the name says id. Otherwise: --entity {NONE}."
        notes = (said, *notes)
    return found, notes


def _suggested(free: Sequence[Profile], rows: int) -> tuple[str, ...]:
    """Return one sentence about texts that come again so often that their history could help."""
    often = [
        each
        for each in free
        if each.type == "text" and FEWEST_THAT_COME_AGAIN <= each.distinct <= rows / OFTEN and not _is_calendar(each)
    ]
    if not often:
        return ()
    shown = " and ".join(repr(each.name) for each in often[:MOST_SUGGESTED])
    remedy = " ".join(f"--entity {shlex.quote(each.name)}" for each in often[:MOST_SUGGESTED])
    return (f"The values of {shown} come again often: with {remedy} what happened before to the same is a feature.",)


def _is_calendar(column: Profile) -> bool:
    """Say whether all values are English names of weekdays or of months, whole or their first three letters."""
    values = {value.strip().lower() for value in column.values}
    return bool(values) and any(values <= names for names in CALENDAR)


def _choices(columns: Sequence[Profile]) -> tuple[str, ...]:
    return (*(each.name for each in columns), NONE)


def _check_moments(profiled: Profiled, name: str, flag: str) -> None:
    column = profiled.columns[name]
    if column.type != "moment":
        problem = f"{name!r} holds no moments that can be read, such as {str(column.example)[:40]!r}"
        raise InvalidInput(flag, problem, "Write ISO 8601, as in 2026-11-23T12:00Z.")
    if column.filled < profiled.rows:
        problem = f"{name!r} is empty in {profiled.rows - column.filled:,} rows"
        remedy = f"Fill it, leave the rows out, give another column with {flag}, or write {flag} {NONE}."
        raise InvalidInput(flag, problem, remedy)
    if is_future(column.high):
        row = _first_row(profiled, _later_than(name, _tomorrow()))
        problem = f"{name!r} lies in the future in row {row}, up to {column.high:%Y-%m-%d}"
        raise InvalidInput(flag, problem, f"Correct the rows, give another column, or write {flag} {NONE}.")


def _tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def is_future(moment: datetime) -> bool:
    """Say whether a moment is more than a day after now, as no clock's error explains."""
    return moment > _tomorrow()


def _first_before(profiled: Profiled, name: str, time: str) -> int | None:
    import polars as pl

    return _first_row(profiled, pl.col(name) < pl.col(time))


def _later_than(name: str, moment: datetime) -> Any:
    import polars as pl

    return pl.col(name) > pl.lit(moment)


def _first_row(profiled: Profiled, condition: Any) -> int | None:
    rows = profiled.frame().filter(condition).select(ROW).head(1).collect(engine="streaming")[ROW]
    return rows[0] if len(rows) else None
