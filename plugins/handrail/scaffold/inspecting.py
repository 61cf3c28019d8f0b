"""From a table and what a person decided to a draft: what is understood, and how the table is written for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import ceil, floor
from pathlib import Path
from typing import Any

from handrail.errors import InvalidInput
from handrail.scaffold.answers import MAIN_METRIC, Answers, text_of, understand_label
from handrail.scaffold.clock_changes import clock_changes
from handrail.scaffold.draft import MADE_KNOWN, MADE_SUBJECT, MADE_TIME, Column, Draft
from handrail.scaffold.features import left_out
from handrail.scaffold.limits import Fields, MetricLimit, metric_limit
from handrail.scaffold.naming import fields_of, project_name, words_for
from handrail.scaffold.options import Ask, Options, column_named, columns_matching
from handrail.scaffold.profile import ROW, Profile, Profiled, profiled
from handrail.scaffold.reading import Progress, Table, read_table
from handrail.scaffold.requirement import own_requirement
from handrail.scaffold.roles import Roles, understand_roles
from handrail.scaffold.types import types_of
from handrail.scaffold.windows import DELAY, Windows, cut, made_moment
from handrail.use_case import FieldType

MARGIN = 0.25
"""How far a number may lie outside of what the table holds, as a part of its range."""
TYPE_OF_LABEL: Mapping[str, FieldType] = {
    "binary": "truth",
    "multiclass": "text",
    "regression": "number",
    "count": "whole",
}


@dataclass(frozen=True, slots=True)
class Inspected:
    """A draft, and how the table is written for it."""

    draft: Draft
    write: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class _Understood:
    profiled: Profiled
    answers: Answers
    roles: Roles
    fields: Mapping[str, str]
    options: Options

    def column(self, name: str) -> Column:
        found = _column(self.profiled.columns[name], self.fields[name], self.profiled.rows)
        if name == self.roles.subject or name in self.roles.entities:
            return replace(found, type="text", low=None, high=None, example=text_of(found.example))
        return replace(found, type=TYPE_OF_LABEL[self.answers.kind]) if name == self.profiled.label else found


def inspect(file: Path, options: Options, place: Path, ask: Ask, progress: Progress) -> Inspected:
    """Read a table, find out what it holds, and decide what is not decided yet; `ask` may correct each guess.

    What has to be written for that is written into the folder `place`.

    Raises:
        InvalidInput: the table, a column or an option cannot be used.
        MissingFile: there is no such file.
        OSError: the disk is full.
    """
    table = read_table(file, place, progress)
    profiles = _profiles(table, options, place)
    answers, said_label = understand_label(profiles, options, ask)
    roles = understand_roles(profiles, options, ask)
    features = left_out(profiles, answers, roles, options)
    out = features.reasons
    known = _Understood(profiles, answers, roles, fields_of(table.names), options)
    used = [name for name in profiles.columns if name not in out or name in roles.entities]
    frame = _project_frame(known, used)
    windows = _windows(frame, known)
    limit = _limit(frame, known, windows)
    said = [
        *table.notes,
        *_readings(profiles, used),
        *clock_changes(table, profiles.readings, profiles.zone, used),
        *said_label,
        *roles.notes,
        windows.note,
        limit.note,
        *features.warnings,
    ]
    draft = _draft(known, out, windows, said, limit.value)
    kept = tuple((name, reading.name) for name, reading in profiles.readings.items() if name in used)
    return Inspected(replace(draft, readings=kept), lambda target: frame.sink_parquet(target))


def _profiles(table: Table, options: Options, place: Path) -> Profiled:
    label = column_named(options.label, "--label", table.names)
    unread = columns_matching(options.leave_out, "--leave-out", table.names)
    if label in unread:
        raise InvalidInput("--leave-out", f"{label!r} is the label", "Name other columns.")
    subject = [options.subject] if options.subject in table.names else []
    as_text = [*columns_matching(options.text, "--text", table.names), *subject]
    zone = options.zone or "UTC"
    return profiled(table, types_of(table, zone, as_text=as_text, unread=unread), label, zone, place)


def _readings(profiles: Profiled, used: Sequence[str]) -> list[str]:
    """Return what should be known of how the table was read."""
    notes = [f"{name!r}: {profiles.columns[name].says}." for name in used if profiles.columns[name].says]
    if profiles.unlabelled:
        notes.insert(0, f"{profiles.unlabelled:,} rows have no {profiles.label!r} and are left out.")
    return notes


def _project_frame(known: _Understood, used: Sequence[str]) -> Any:
    """Return the table as the project keeps it (a polars LazyFrame): by fields, and what is missing is made."""
    import polars as pl

    roles, fields, label = known.roles, known.fields, known.profiled.label
    special = {label: known.answers.convert()}
    for name in filter(None, (roles.subject, *roles.entities)):
        special[name] = pl.col(name).cast(pl.String)
    row, moment = pl.col(ROW), pl.col(roles.time) if roles.time else made_moment(pl.col(ROW))
    made = [] if roles.subject else [row.cast(pl.String).alias(MADE_SUBJECT)]
    if not roles.time:
        made.append(moment.alias(MADE_TIME))
    if not roles.known:
        made.append((moment + DELAY).alias(MADE_KNOWN))
    return known.profiled.frame().select(*made, *(special.get(name, pl.col(name)).alias(fields[name]) for name in used))


def _fields(known: _Understood) -> Fields:
    roles, fields = known.roles, known.fields
    return Fields(
        time=fields[roles.time] if roles.time else MADE_TIME,
        known=fields[roles.known] if roles.known else MADE_KNOWN,
        label=fields[known.profiled.label],
        zone=known.profiled.zone if roles.time else "UTC",
    )


def _windows(frame: Any, known: _Understood) -> Windows:
    import polars as pl

    fields = _fields(known)
    day = pl.col(fields.time).dt.convert_time_zone(fields.zone).dt.date().alias("day at")
    counted = frame.group_by(day).agg(pl.len().alias("rows at"), pl.col(fields.known).max().alias("known"))
    days = counted.collect(engine="streaming")
    by_day: dict[date, int] = dict(days.select("day at", "rows at").iter_rows())
    last: datetime = days["known"].max()
    return cut(by_day, last, fields.zone)


def _limit(frame: Any, known: _Understood, windows: Windows) -> MetricLimit:
    kind = known.answers.kind
    return metric_limit(frame, _fields(known), windows, kind, MAIN_METRIC[kind])


def _draft(known: _Understood, out: Mapping[str, str], windows: Windows, said: Sequence[str], limit: float) -> Draft:
    roles, answers, label = known.roles, known.answers, known.profiled.label
    features = [name for name in known.profiled.columns if name not in {label, *roles.taken, *out}]
    if not features:
        raise InvalidInput("--table", "no column is left to learn from", "Keep some with --keep, or add columns.")
    subject = known.column(roles.subject) if roles.subject else None
    one, many = words_for(subject.field if subject else None)
    name = project_name(known.options.name or "")
    return Draft(
        name=name,
        question=_question(label, answers, one),
        source=known.profiled.table.source,
        rows=known.profiled.rows,
        subject=subject,
        one=one,
        many=many,
        time=known.column(roles.time) if roles.time else None,
        known=known.column(roles.known) if roles.known else None,
        zone=known.profiled.zone if roles.time else "UTC",
        entities=tuple(map(known.column, roles.entities)),
        label=known.column(label),
        kind=answers.kind,
        positive=answers.positive,
        negative=answers.negative,
        classes=answers.texts if answers.kind == "multiclass" else (),
        features=tuple(map(known.column, features)),
        left_out=tuple((known.column(name), reason) for name, reason in out.items()),
        train_from=windows.train_from,
        train_until=windows.train_until,
        validate_until=windows.validate_until,
        go_live=windows.go_live,
        live_until=windows.live_until,
        outcomes_until=windows.outcomes_until,
        main_metric=MAIN_METRIC[answers.kind],
        limit=limit,
        handrail=own_requirement(),
        notes=tuple(said),
    )


def _question(label: str, answers: Answers, one: str) -> str:
    which = f"{'an' if one[0] in 'aeiou' else 'a'} {one}"
    if answers.kind == "binary":
        return f"Will {label!r} of {which} be {answers.positive}?"
    return f"What will {label!r} of {which} be?"


def _column(profile: Profile, field: str, rows: int) -> Column:
    is_number = profile.type in ("whole", "number") and profile.filled > 0
    low, high = _range(profile) if is_number else (None, None)
    example = profile.example
    return Column(
        name=profile.name,
        field=field,
        type=profile.type,
        nullable=profile.filled < rows,
        low=low,
        high=high,
        values=profile.values,
        example=example.isoformat().replace("+00:00", "Z") if isinstance(example, datetime) else example,
    )


def _range(profile: Profile) -> tuple[float, float]:
    """Return the smallest and the largest value with a margin; what is never negative stays so."""
    margin = MARGIN * float(profile.high - profile.low)
    low, high = float(profile.low) - margin, float(profile.high) + margin
    low = max(low, 0.0) if profile.low >= 0 else low
    return (float(floor(low)), float(ceil(high))) if profile.type == "whole" else (_rounded(low), _rounded(high))


def _rounded(number: float) -> float:
    """Return four digits of a bound: its margin is far wider than what they lose."""
    return float(f"{number:.4g}")
