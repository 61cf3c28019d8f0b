"""The report on mutants: a table by file, and each survivor with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.ci.mutant_places import Place

KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"
EXPLAINED, NOT_TRIED = "explained", "not tried"
COLUMNS = (KILLED, TIMED_OUT, EXPLAINED, SURVIVED, NOT_TRIED)
GOOD = (KILLED, TIMED_OUT, EXPLAINED)


@dataclass(frozen=True, slots=True)
class Result:
    """What happened to a mutant: `killed`, `survived` or `timed out`."""

    place: Place
    outcome: str


def write_report(places: Sequence[Place], tried: Mapping[str, Result], explained: Sequence[Mapping[str, Any]]) -> str:
    """Return Markdown: for each file how many mutants were noticed, and all that were not.

    A survivor is explained if `explained` has its file, its operator and its line.
    """
    known = {(row["file"], row["operator"], row["line"]) for row in explained}
    outcomes = {place.key: _outcome(place, tried, known) for place in places}
    files = {file: Counter[str]() for file in sorted({place.file for place in places})}
    for place in places:
        files[place.file][outcomes[place.key]] += 1
    rows = [_row(file, counts) for file, counts in files.items()]
    rows.append(_row("all", sum(files.values(), Counter[str]())))
    head = [f"| file | {' | '.join(COLUMNS)} | noticed or explained |", f"|---{'|---:' * (len(COLUMNS) + 1)}|"]
    survivors = (place for place in places if outcomes[place.key] == SURVIVED)
    return "\n".join([*head, *rows, "", *_survivors(survivors)]) + "\n"


def _outcome(place: Place, tried: Mapping[str, Result], known: set[tuple[str, str, str]]) -> str:
    if place.key not in tried:
        return NOT_TRIED
    outcome = tried[place.key].outcome
    is_known = (place.file, place.operator, place.was) in known
    return EXPLAINED if outcome == SURVIVED and is_known else outcome


def _row(file: str, counts: Mapping[str, int]) -> str:
    good, bad = sum(counts.get(name, 0) for name in GOOD), counts.get(SURVIVED, 0)
    share = f"{100 * good / (good + bad):.0f} %" if good + bad else "–"
    return f"| {file} | {' | '.join(str(counts.get(name, 0)) for name in COLUMNS)} | {share} |"


def _survivors(places: Iterable[Place]) -> list[str]:
    ordered = sorted(places, key=lambda place: (place.file, place.line, place.operator))
    return [f"survived: {place.file}:{place.line} {place.operator}: {place.was}" for place in ordered]
