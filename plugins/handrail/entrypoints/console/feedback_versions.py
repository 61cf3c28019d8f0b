"""Versions on the page of what really happened: each by itself, and pairs of them on the same cases.

Two versions are compared on cases alone that both answered, as a shadow or a replay makes them: elsewhere a difference
may be one of the cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import timedelta
from itertools import combinations
from typing import Any

from handrail.entrypoints.console.words import digits_within
from handrail.errors import InvalidInput
from handrail.feedback import Cohort, FeedbackLog, Overview

Row = dict[str, Any]
Named = Mapping[str, tuple[str, str, str] | None]
MOST_COMPARED = 4
"""How many versions are compared with one another: those with most of the predictions that were read."""
DRAWS = 200
MARGIN = timedelta(days=7)
"""A version whose last answer in the sample is older than this before the newest window is not looked for in it."""


def versions_of(cohort: Cohort, named: Named) -> dict[str, set[str]]:
    """Return the deployments of each version that answered, by the name of the version; `named` has the version."""
    found: dict[tuple[str, str], set[str]] = {}
    for uri in set(cohort.deployment):
        version = named.get(uri)
        found.setdefault((version[1], version[2]) if version else ("", uri), set()).add(uri)
    return {f"{model} {version}" if model else version: uris for (model, version), uris in sorted(found.items())}


def same_cases(log: FeedbackLog, found: Overview, metric: str, versions: Mapping[str, Set[str]]) -> list[Row]:
    """Return each pair of versions that answered the same cases, the earlier one first, with the later one's gain.

    Where only a sample was read, the newest mature predictions are read whole: a sample of two versions has hardly a
    case in common.

    Raises:
        MissingTool: NumPy is not installed.
    """
    if len(versions) < 2:
        return []
    rows = _newest_whole(log, found, versions) if found.step > 1 else found.corrected
    if rows is None:
        return []
    judged = rows.judged()
    size = {name: sum(uri in uris for uri in found.corrected.deployment) for name, uris in versions.items()}
    chosen = sorted(sorted(versions, key=lambda name: -size[name])[:MOST_COMPARED], key=list(versions).index)
    pairs = (_pair(judged, metric, (one, versions[one]), (other, versions[other])) for one, other in _pairs(chosen))
    return [row for row in pairs if row is not None]


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    return list(combinations(names, 2))


def _newest_whole(log: FeedbackLog, found: Overview, versions: Mapping[str, Set[str]]) -> Cohort | None:
    """Return all predictions of the newest mature window that has about as many as were read of the whole log.

    None if by the sample one version alone answered in that window, as where one followed the other: it has no pairs.
    """
    sample, scope = found.corrected, found.corrected.scope
    end = log.kind(scope.kind).matured_until(scope.as_of) + timedelta(microseconds=1)
    mature = [at for at in sample.made_at if at < end]
    # A sample is even: each of its last rows is one of as many as its step says.
    first = mature[-max(len(sample) // found.step, 1)] if mature else end
    newest = {uri for uri, at in zip(sample.deployment, sample.made_at, strict=True) if at >= first - MARGIN}
    if sum(not uris.isdisjoint(newest) for uris in versions.values()) < 2:
        return None
    return log.cohort(None, scope.kind, first, end, scope.as_of)


def _pair(judged: Cohort, metric: str, one: tuple[str, Set[str]], other: tuple[str, Set[str]]) -> Row | None:
    """Return how two versions did on the cases that both answered, None if there is none; the latest answers count."""
    first, second = ({judged.subject[row]: row for row in _rows(judged, uris)} for _, uris in (one, other))
    both = sorted(first.keys() & second.keys())
    if not both:
        return None
    row: Row = {"first": one[0], "second": other[0], "cases": len(both), "gain": None}
    try:
        return row | {"gain": _gain(judged, metric, [(first[subject], second[subject]) for subject in both])}
    except InvalidInput as err:
        return row | {"why_not": err.problem}


def _rows(judged: Cohort, uris: Set[str]) -> list[int]:
    return [row for row, uri in enumerate(judged.deployment) if uri in uris]


def _gain(judged: Cohort, metric: str, rows: list[tuple[int, int]]) -> Row:
    from handrail.statistics import METRICS_OF, Answers, Intervals, compare

    kind, rule = next((kind, each) for kind, known in METRICS_OF.items() for each in known if each.name == metric)
    ones, others = [one for one, _ in rows], [other for _, other in rows]
    first, second = (
        Answers([judged.score[at] for at in of], [judged.predicted[at] for at in of]) for of in (ones, others)
    )
    days = [f"{judged.made_at[at]:%Y-%m-%d}" for at in ones]
    labels = [judged.label[at] for at in ones]
    found = compare(rule, kind, first, second, labels, days, margin=0.0, intervals=Intervals(DRAWS, 0))
    # One day that is drawn again and again shows no spread: that is no interval.
    ends = (found.low, found.high) if found.clusters > 1 else (None, None)
    return {
        "value": found.gain,
        "low": ends[0],
        "high": ends[1],
        "digits": max(digits_within(*ends), 3),
        "of_first": found.champion,
        "of_second": found.challenger,
    }
