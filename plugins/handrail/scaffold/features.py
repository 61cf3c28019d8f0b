"""Which columns a model may learn from, and why the others are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handrail.scaffold.answers import Answers
from handrail.scaffold.leaks import adding_up, knowing
from handrail.scaffold.options import Options, columns_matching
from handrail.scaffold.profile import MOST_CATEGORIES, Profile, Profiled
from handrail.scaffold.roles import ID, NUMBERS, Roles

MEMORISED_FROM = 0.5
KEEP = "keep it with --keep"


def left_out(profiled: Profiled, answers: Answers, roles: Roles, options: Options) -> dict[str, str]:
    """Return the columns that are no features and have no role, each with the reason.

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
    guesses |= _leaks(profiled, answers, roles, open_names)
    found |= {name: f"{reason}; {KEEP}" for name, reason in guesses.items() if name not in {*found, *kept}}
    return {name: found[name] for name in names if name in found}


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


def _leaks(profiled: Profiled, answers: Answers, roles: Roles, names: Sequence[str]) -> dict[str, str]:
    sample = profiled.sample()
    label = answers.coded(sample[profiled.label])
    found: dict[str, str] = {}
    moments = [name for name in names if profiled.columns[name].type == "moment"]
    if roles.time:
        time = sample[roles.time]
        found = {
            name: f"it mostly lies after {roles.time!r}, when nobody knows it yet"
            for name in moments
            if ((sample[name] > time).mean() or 0) > MEMORISED_FROM
        }
    columns: Mapping[str, object] = {name: sample[name] for name in names if name not in found}
    found |= knowing(columns, label, answers.kind)
    if answers.kind in ("regression", "count"):
        rest = {name: series for name, series in columns.items() if name not in found}
        together = adding_up(rest, label)
        shown = " and ".join(map(repr, together))
        found |= dict.fromkeys(together, f"the label is a sum of {shown}, so they are known when it is")
    return found
