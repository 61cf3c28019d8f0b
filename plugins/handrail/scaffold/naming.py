"""Names of columns and projects that hold everywhere: in Python, pydantic, SQL, YAML and file paths."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

from pydantic import BaseModel

from handrail.scaffold.draft import MADE_KNOWN, MADE_SUBJECT, MADE_TIME

LONGEST = 40
SQL = """
    all alter analyse analyze and any array as asc asymmetric between both by case cast check collate column
    constraint create cross current current_date current_time current_timestamp database default deferrable delete desc
    describe distinct do drop else end except exists explain false fetch for foreign from full grant group having if in
    index initially inner insert intersect interval into is join key lateral leading left like limit natural not null
    offset on only or order outer over partition pivot primary qualify references returning right row rows select set
    show similar some summarize symmetric table then to trailing true truncate union unique unpivot update user using
    values variadic view when where window with
"""
OWN = f"""
    {MADE_SUBJECT} {MADE_TIME} {MADE_KNOWN} day month hour prediction prediction_id predictions probability score
    value deployment model model_version made_at created created_timestamp feature_set features label metadata
    self cls
"""
"""Names that the project uses beside the table's columns."""
YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
"""What YAML reads as something else than a text."""

TAKEN = (
    YAML_WORDS
    | frozenset(SQL.split())
    | frozenset(OWN.split())
    | frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | frozenset(dir(BaseModel))
)


def fields_of(names: Iterable[str]) -> dict[str, str]:
    """Return a safe identifier for each of the distinct names, all of them different, in the same order.

    A name that is safe already keeps itself, whatever stands before it.
    """
    wanted = {name: safe_name(name) for name in names}
    used = {name for name, field in wanted.items() if name == field}
    return {name: field if name == field else _free(field, used) for name, field in wanted.items()}


def safe_name(name: str, other: str = "column") -> str:
    """Return lower-case ASCII letters, digits and underscores for any text; `other` if nothing of it can be kept."""
    spelled = "".join(_spelled(character) for character in name.replace("%", " percent ").replace("#", " number "))
    plain = unicodedata.normalize("NFKD", spelled.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain)[:LONGEST].strip("_") or other
    started = words if words[0].isalpha() else f"{other}_{words}"[:LONGEST].strip("_")
    return f"{started}_" if started in TAKEN else started


def project_name(name: str) -> str:
    """Return what a project, its bento and its model are called: at most 40 characters."""
    safe = safe_name(name, "project").strip("_")
    return f"{safe}_project" if safe in YAML_WORDS else safe


def words_for(subject: str | None) -> tuple[str, str]:
    """Return what one subject and many of them are called, after the field that identifies it."""
    one = re.sub(r"_?(id|key|code|uuid|guid|no|nr|number|num|nummer)_?$", "", subject or "")
    if len(one) < 3 or not re.fullmatch(r"[a-z][a-z_]*", one) or one in ("index", "unnamed", "column", "row", "rows"):
        return "row", "rows"
    if one.endswith("y") and one[-2] not in "aeiou":
        return one, f"{one[:-1]}ies"
    return one, f"{one}es" if one.endswith(("s", "x", "z", "ch", "sh")) else f"{one}s"


def _spelled(character: str) -> str:
    """Return the own name of a picture or a currency, as in bicycle; any other character as it is."""
    if unicodedata.category(character) in ("So", "Sc"):
        return f" {unicodedata.name(character, '')} "
    return character


def _free(field: str, used: set[str]) -> str:
    free, number = field, 1
    while free in used:
        number += 1
        free = f"{field.rstrip('_')}_{number}"
    used.add(free)
    return free
