"""Compares the data of two versions: what their runs say, and what the stages of their pipelines read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from handrail.approvals.domain.differences import Difference, Origin, weakest
from handrail.approvals.domain.sides import Dataset, Making, Side


def data_of(before: Side | None, after: Side) -> Iterator[Difference]:
    """Yield each fact about the data of two versions, or of the later one if there is none before it."""
    yield from _datasets(before, after)
    yield from _windows(before, after)
    yield from _pipeline_data(before, after)


def _datasets(before: Side | None, after: Side) -> Iterator[Difference]:
    """Yield the rows and the digest of each set of rows that a run names, by what it read them for."""
    sides = [_by_context(side.run.datasets) if side and side.run else {} for side in (before, after)]
    for context in sorted({*sides[0], *sides[1]}):
        old, mine = (side.get(context) for side in sides)
        counts = [each.rows if each else None for each in (old, mine)]
        yield pair(f"{context} rows", counts, Origin.WORD, known=None not in counts)
        origin = weakest([_named(each, side) for each, side in ((old, before), (mine, after)) if each and side])
        digests = [each.digest if each else None for each in (old, mine)]
        yield pair(f"{context} set", digests, origin, known=None not in digests)


def _named(dataset: Dataset, side: Side) -> Origin:
    """Return who answers for the digest of a set of rows: the pipeline if it made a file with that digest."""
    named = side.making is not None and dataset.digest in side.making.digests
    return origin_of(side.making) if named else Origin.WORD


def _by_context(datasets: Iterable[Dataset]) -> dict[str, Dataset]:
    """Return datasets by their context; of several with one context each has its name beside it."""
    found: dict[str, list[Dataset]] = {}
    for each in datasets:
        found.setdefault(each.context, []).append(each)
    alone = {context: same[0] for context, same in found.items() if len(same) == 1}
    return alone | {f"{context} {each.name}": each for context, same in found.items() if len(same) > 1 for each in same}


def _windows(before: Side | None, after: Side) -> Iterator[Difference]:
    """Yield each window and each named digest among the parameters of the stages."""
    mine, old = after.making, before.making if before else None
    if mine is None:
        return
    origin, sides = origin_of(old, mine), [making.parameters if making else {} for making in (old, mine)]
    for name in sorted({*sides[0], *sides[1]}):
        group, _, leaf = name.rpartition(".")
        if leaf == "from" and any(f"{group}.until" in side for side in sides):
            yield pair(f"{group} window", [_window(side, group) for side in sides], origin, known=old is not None)
        if leaf == "digest" and group:
            yield pair(group, [side.get(name) for side in sides], origin, known=old is not None)


def _window(parameters: Mapping[str, str], group: str) -> str | None:
    ends = [parameters.get(f"{group}.{end}") for end in ("from", "until")]
    return None if None in ends else f"{ends[0]} until {ends[1]}"


def _pipeline_data(before: Side | None, after: Side) -> Iterator[Difference]:
    mine, old = after.making, before.making if before else None
    if mine is None:
        return
    origin, sides = origin_of(old, mine), [making.data if making else {} for making in (old, mine)]
    for path in sorted({*sides[0], *sides[1]}):
        held = [side.get(path) for side in sides]
        if any(each and each.files is not None for each in held):
            counts = [each.files if each else None for each in held]
            yield pair(f"files in {path}", counts, origin, known=None not in counts)
        yield pair(path, [each.digest if each else None for each in held], origin, known=old is not None)


def pair(name: str, sides: Sequence[Any], origin: Origin, *, known: bool) -> Difference:
    """Return what both sides have of one thing."""
    return Difference(name, sides[0], sides[1], origin, known)


def origin_of(*makings: Making | None) -> Origin:
    """Return who answers for what the pipelines of both versions say: they, if both have measured."""
    known = [making for making in makings if making is not None]
    return Origin.MEASURED if known and all(making.measured for making in known) else Origin.WORD
