"""Which columns a model may learn from, and why the others are left out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor

from handrail.label_kinds import NUMERIC
from handrail.scaffold.answers import Answers
from handrail.scaffold.leaks import adding_up, knowing, scores_of, standing_out
from handrail.scaffold.options import Options, columns_matching
from handrail.scaffold.profile import MOST_CATEGORIES, Profile, Profiled
from handrail.scaffold.roles import ID, NUMBERS, Roles, is_future

MEMORISED_FROM = 0.5
KEEP = "keep it with --keep"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The columns that are no features and have no role, each with the reason; and which of the others to look at."""

    reasons: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def left_out(profiled: Profiled, answers: Answers, roles: Roles, options: Options) -> LeftOut:
    """Return the columns that are no features, and one sentence for each feature that may know the label.

    Raises:
        InvalidInput: an option names a column that is not there.
    """
    names = list(profiled.columns)
    kept = set(columns_matching(options.keep, "--keep", names))
    free = [each for name, each in profiled.columns.items() if name not in {profiled.label, *roles.taken}]
    found = {each.name: _unusable(each) for each in free if _unusable(each)}
    guesses = {
        each.name: reason for each in free if each.name not in roles.entities and (reason := _memory(each, profiled))
    }
    guesses |= _repeated_entities(free, roles)
    open_names = [each.name for each in free if each.name not in {*found, *guesses}]
    leaks, suspects = _leaks(profiled, answers, roles, open_names)
    guesses |= leaks
    warnings = tuple(_warning(profiled.label, each, why) for each, why in suspects.items() if each not in kept)
    found |= {name: f"{reason}; {KEEP}" for name, reason in guesses.items() if name not in {*found, *kept}}
    return LeftOut({name: found[name] for name in names if name in found}, warnings)


def _warning(label: str, name: str, why: str) -> str:
    return (
        f"Look at {name!r}: it answers {label!r} far better than the other columns ({why}). If it is known only when "
        f"the label is, it is a leak: --leave-out {shlex.quote(name)}. Otherwise: --keep {shlex.quote(name)}."
    )


def _unusable(column: Profile) -> str:
    if column.skipped:
        return column.skipped
    if column.filled == 0:
        return "it is empty in each row"
    is_constant = column.distinct <= 1 if column.type in ("text", "truth") else column.low == column.high
    return "it holds one value only" if is_constant else ""


def _memory(column: Profile, profiled: Profiled) -> str:
    """Return why a column would memorise rows, an empty text if it would not."""
    share = column.distinct / max(column.filled, 1)
    if column.type == "text" and share > MEMORISED_FROM and column.distinct > MOST_CATEGORIES:
        return f"it has another text in {share:.0%} of the rows, which a model memorises"
    if column.type != "whole" or share <= MEMORISED_FROM:
        return ""
    if column.filled == profiled.rows and column.high - column.low + 1 == column.filled:
        return "it numbers the rows"
    return "it identifies rows, which a model memorises" if ID.search(column.name) or NUMBERS.match(column.name) else ""


def _repeated_entities(free: Sequence[Profile], roles: Roles) -> dict[str, str]:
    """Return the entities with too many values for categories: they count by their history alone."""
    return {
        each.name: "it is an entity, whose history counts"
        for each in free
        if each.name in roles.entities and not each.values
    }


def _leaks(
    profiled: Profiled, answers: Answers, roles: Roles, names: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns that know the label and those that may, each with the reason."""
    sample = profiled.sample()
    label = answers.coded(sample[profiled.label])
    found: dict[str, str] = {}
    moments = [name for name in names if profiled.columns[name].type == "moment"]
    if roles.time:
        found = {
            name: _later(profiled.columns[name], profiled, roles, roles.time)
            for name in moments
            if ((sample[name] > sample[roles.time]).mean() or 0) > MEMORISED_FROM
        }
    columns: Mapping[str, object] = {name: sample[name] for name in names if name not in found}
    scores = scores_of(columns, label, answers.kind)
    found |= knowing(scores, answers.kind)
    if answers.kind in NUMERIC:
        rest = {name: series for name, series in columns.items() if name not in found}
        together = adding_up(rest, label)
        shown = " and ".join(map(repr, together))
        found |= dict.fromkeys(together, f"the label is a sum of {shown}, so they are known when it is")
    return found, standing_out({name: score for name, score in scores.items() if name not in found}, answers.kind)


def _later(column: Profile, profiled: Profiled, roles: Roles, time: str) -> str:
    """Return why moments after the event are left out; `--known-at` is offered if it would be accepted."""
    import polars as pl

    late = pl.col(column.name) - pl.col(time)
    hours = profiled.frame().select(least=late.min(), most=late.max()).collect(engine="streaming").row(0)
    least, most = (each / timedelta(hours=1) for each in hours)
    if roles.known or column.filled < profiled.rows or least < 0 or is_future(column.high):
        return f"it mostly lies after {time!r}, when nobody knows it yet"
    unit, length = ("days", 24) if most >= 48 else ("hours", 1)
    return (
        f"it lies {floor(least / length)} to {ceil(most / length)} {unit} after {time!r}, when nobody knows it yet: "
        "with --known-at it says when the label is known"
    )
