"""Compares two versions by what is known of each: nothing is read here, and nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from handrail.approvals.domain.comparing_data import data_of, origin_of, pair
from handrail.approvals.domain.comparing_texts import TextChange, compare_texts
from handrail.approvals.domain.differences import (
    MOST_ROWS,
    Changes,
    Code,
    Difference,
    Features,
    Origin,
    Part,
    weakest,
)
from handrail.approvals.domain.sides import Making, NamedFeatures, RunFacts, Side
from handrail.manifest import Manifest

COMMIT = "commit"
PIPELINE_UNKNOWN = "Lineage knows no pipeline that made version {version}: which source files it ran is not known."


def compare(request_id: str, before: Side | None, after: Side, unread: Iterable[str]) -> Changes:
    """Compare a version with the one before it, or list what it is made of if there is none before it.

    `unread` are sentences about what could not be read of either; others are added to them.
    """
    files = _files(before, after)
    parameters, data, code = _parameters(before, after), tuple(data_of(before, after)), _code(before, after)
    features, environment = _features(before, after), _environment(before, after)
    if before is None:
        data = tuple(map(_of_first, data))
        code = replace(code, commit=_of_first(code.commit), clean=_of_first(code.clean))
        features = replace(features, count=_of_first(features.count), service=_of_first(features.service))
    prompt, missing = _prompt(before, after), [*unread, *_doubts(before, after)]
    if prompt is None:
        parts = {"parameters": parameters, "features": features.names, "packages": environment}
        missing += _missing(before, after, parts)
    if len(data) > MOST_ROWS:
        missing.append(f"Of {len(data):,} facts about the data {MOST_ROWS} are listed.")
    return Changes(
        request_id=request_id,
        version=before.version if before else None,
        tree=before.tree if before else None,
        files=files,
        parameters=parameters,
        code=code,
        data=data,
        features=features,
        environment=environment,
        unknown=tuple(dict.fromkeys(missing)),
        settings=_settings(before, after),
        prompt=prompt,
        unrecorded=tuple(_unrecorded(after)) if prompt is None and not after.unread & {"run", "lineage"} else (),
    )


def _prompt(before: Side | None, after: Side) -> tuple[TextChange, ...] | None:
    mine, old = (side.frozen.texts if side and side.frozen else None for side in (after, before))
    return None if mine is None else compare_texts(old, mine)


def part(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, origin: Origin, *, first: bool) -> Part:
    """Compare two mappings; `first` if there is no version before."""
    known = (before is not None, after is not None)
    if after is None or (before is None and not first):
        return Part((), 0, known, origin)
    old = before or {}
    names = sorted(old.keys() | after.keys())
    rows = tuple(
        Difference(name, old.get(name), after.get(name), origin) for name in names if old.get(name) != after.get(name)
    )
    return Part(rows, len(names) - len(rows), known, origin)


def _files(before: Side | None, after: Side) -> Part:
    return part(
        _entries(before.files if before else None), _entries(after.files), Origin.RECOMPUTED, first=before is None
    )


def _entries(manifest: Manifest | None) -> Mapping[str, Any] | None:
    if manifest is None:
        return None
    return {entry.path: {"size": entry.size, "sha256": entry.sha256} for entry in manifest.files}


def _environment(before: Side | None, after: Side) -> Part:
    old = before.frozen.packages if before and before.frozen else None
    return part(old, after.frozen.packages if after.frozen else None, Origin.RECOMPUTED, first=before is None)


def _settings(before: Side | None, after: Side) -> Part:
    old = before.frozen.settings if before and before.frozen else None
    return part(old, after.frozen.settings if after.frozen else None, Origin.RECOMPUTED, first=before is None)


def _parameters(before: Side | None, after: Side) -> Part:
    """Compare what the stages had, then what the runs say, without what a run says like its stages."""
    first = before is None
    mine, old = after.making, before.making if before else None
    both = mine is not None and (old is not None or first)
    staged = part(old.parameters if old else None, mine.parameters if mine else None, origin_of(old, mine), first=first)
    new_run, old_run = after.run, before.run if before else None
    names = _said_alike(old, mine, old_run, new_run) if both else frozenset()
    logged = part(_without(old_run, names), _without(new_run, names), Origin.WORD, first=first)
    if not first:
        logged = replace(logged, rows=tuple(map(_of_run, logged.rows)))
    used = [each for each in (staged, logged) if all(each.known) or (first and each.known[1])]
    known = tuple(staged.known[side] or logged.known[side] for side in (0, 1))
    return Part(
        tuple(row for each in used for row in each.rows),
        sum(each.same for each in used),
        (known[0], known[1]),
        weakest([each.origin for each in used if each.rows] or [each.origin for each in used if each.same]),
    )


def _of_run(row: Difference) -> Difference:
    """Return what the runs logged of one thing: that one of them did not says nothing about its value."""
    return replace(row, known=row.before is not None and row.after is not None)


def _without(run: RunFacts | None, names: frozenset[str]) -> Mapping[str, str] | None:
    return None if run is None else {name: text for name, text in run.parameters.items() if name not in names}


def _said_alike(
    old: Making | None, mine: Making | None, old_run: RunFacts | None, new_run: RunFacts | None
) -> frozenset[str]:
    """Return the parameters of the runs that repeat one of the stages, under its last name, on each side."""
    sides = [(making, run) for making, run in ((old, old_run), (mine, new_run)) if making and run]
    names = {name for _, run in sides for name in run.parameters}
    return frozenset(name for name in names if sides and all(_repeats(name, *side) for side in sides))


def _repeats(name: str, making: Making, run: RunFacts) -> bool:
    fitting = [text for full, text in making.parameters.items() if full == name or full.endswith(f".{name}")]
    return name in run.parameters and len(fitting) == 1 and _plain(fitting[0]) == _plain(run.parameters[name])


def _plain(text: str) -> str | float:
    """Return a value however it is spelt: `1e-05` and `0.00001`, `True` and `true` are the same."""
    try:
        return float(text)
    except ValueError:
        return text.strip().lower()


def _code(before: Side | None, after: Side) -> Code:
    mine, old = after.making, before.making if before else None
    origin = origin_of(old, mine)
    files = part(old.code if old else None, mine.code if mine else None, origin, first=before is None)
    commit = _either("commit", _commit(before), _commit(after))
    return Code(commit, _either("clean", _clean(before), _clean(after)), files)


def _commit(side: Side | None) -> tuple[str | None, Origin]:
    if side and side.making and side.making.commit:
        return side.making.commit, origin_of(side.making)
    return (side.run.commit if side and side.run else None), Origin.WORD


def _clean(side: Side | None) -> tuple[bool | None, Origin]:
    if side and side.making and side.making.measured:
        return True, Origin.MEASURED
    return (side.run.clean if side and side.run else None), Origin.WORD


def _either(name: str, before: tuple[Any, Origin], after: tuple[Any, Origin]) -> Difference:
    known = [origin for value, origin in (before, after) if value is not None]
    return Difference(name, before[0], after[0], weakest(known), known=len(known) == 2)


def _features(before: Side | None, after: Side) -> Features:
    old = before.frozen.features if before and before.frozen else None
    mine = after.frozen.features if after.frozen else None
    names = part(_as_names(old), _as_names(mine), Origin.RECOMPUTED, first=before is None)
    counts = [None if each is None else len(each) for each in (old, mine)]
    return Features(
        names,
        pair("features", counts, Origin.RECOMPUTED, known=None not in counts),
        _either("feature service", _service(before), _service(after)),
        _importances(before, after),
    )


def _as_names(features: tuple[str, ...] | None) -> Mapping[str, Any] | None:
    return None if features is None else dict.fromkeys(features, True)


def _service(side: Side | None) -> tuple[Mapping[str, str | None] | None, Origin]:
    """Return the feature service that the frozen files name, else the pipeline, else the run."""
    if side and side.frozen and side.frozen.service:
        return _as_json(side.frozen.service), Origin.RECOMPUTED
    if side and side.making and side.making.service:
        return _as_json(side.making.service), origin_of(side.making)
    if side and side.run and side.run.service:
        return _as_json(side.run.service), Origin.WORD
    return None, Origin.WORD


def _as_json(service: NamedFeatures) -> Mapping[str, str | None]:
    return {"name": service.name, "digest": service.digest}


def _importances(before: Side | None, after: Side) -> tuple[Difference, ...]:
    """Return what each feature weighs, as both runs logged it, the largest move first; of a first version its own."""
    mine = after.run.importances if after.run else None
    old = before.run.importances if before and before.run else None
    if mine is None or (before and old is None):
        return ()
    rows = [Difference(name, (old or {}).get(name), mine.get(name)) for name in {*(old or {}), *mine}]
    return tuple(sorted(rows, key=lambda row: (-abs((row.after or 0.0) - (row.before or 0.0)), row.name)))


def _of_first(row: Difference) -> Difference:
    """Return a row of a first version: that it has nothing before it is known."""
    return replace(row, known=row.after is not None)


def _doubts(before: Side | None, after: Side) -> Iterator[str]:
    for side in filter(None, (before, after)):
        yield from (f"Version {side.version}: {doubt}" for doubt in (side.making.doubts if side.making else ()))
        yield from (f"Version {side.version}: {why}" for why in (side.frozen.unread if side.frozen else ()))


def _missing(before: Side | None, after: Side, parts: Mapping[str, Part]) -> Iterator[str]:
    """Yield a sentence for each thing that is not known of a version though what would say it was read."""
    for place, side in enumerate((before, after)):
        if side is None:
            continue
        lacking = [what for what, found in parts.items() if not found.known[place]]
        yield from (f"The {what} of version {side.version} are not known." for what in lacking)
        if side.making is None and "lineage" not in side.unread:
            yield PIPELINE_UNKNOWN.format(version=side.version)
        if not side.unread & {"run", "lineage"}:
            yield from _not_said(side)


def _unrecorded(side: Side) -> Iterator[str]:
    """Yield what neither the run nor lineage says of how a version was made."""
    if _commit(side)[0] is None:
        yield COMMIT
    if not (side.run and side.run.datasets) and not (side.making and side.making.data):
        yield "training data"


def _not_said(side: Side) -> Iterator[str]:
    """Yield a sentence for each thing that neither the run nor lineage says of a version."""
    lacking = tuple(_unrecorded(side))
    yield from (f"The {what} of version {side.version} is not known." for what in lacking)
    if COMMIT not in lacking and _clean(side)[0] is None:
        yield f"Whether version {side.version} was made in a clean checkout is not known."
    if not (side.run and side.run.importances):
        yield f"No importances of features were logged with version {side.version}."
    if _service(side)[0] is None:
        yield f"The feature service of version {side.version} is not known."
