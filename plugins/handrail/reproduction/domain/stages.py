"""Which stages of a lock file run again to reproduce a model, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage import LockedStage


def order_stages(stages: Iterable[LockedStage]) -> tuple[LockedStage, ...]:
    """Return stages so that each comes after those whose outputs it reads, otherwise by name.

    Raises:
        InvalidInput: they read each other's outputs in a circle.
    """
    by_name = {stage.name: stage for stage in sorted(stages, key=lambda stage: stage.name)}
    before = {
        name: sorted(other for other, made in by_name.items() if other != name and _reads(stage, made))
        for name, stage in by_name.items()
    }
    sorter = TopologicalSorter(before)
    try:
        sorter.prepare()
    except CycleError as err:
        raise InvalidInput("dvc.lock", f"its stages read each other: {err.args[1]}", "Restore it with git.") from err
    ordered: list[LockedStage] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += [by_name[name] for name in ready]
        sorter.done(*ready)
    return tuple(ordered)


def choose_stages(stages: Sequence[LockedStage], target: str, until: str | None = None) -> tuple[LockedStage, ...]:
    """Return what has to run again: the target, what it needs, and what judges the model beside it.

    The latter are stages that read something which the target reads from a stage, or writes. With `until` only that
    stage and what it needs come back.

    Raises:
        UnknownReference: there is no such stage.
    """
    ordered = order_stages(stages)
    by_name = {stage.name: stage for stage in ordered}
    last = until or target
    if last not in by_name:
        raise UnknownReference("stage", last, f"dvc.lock has {', '.join(sorted(by_name))}.")
    chosen = _needed(ordered, {last})
    if until is None:
        goal = by_name[target]
        near = [stage for stage in ordered if _reads(goal, stage)] + [goal]
        nearest = [stage for stage in near if not any(_reads(other, stage) for other in near[:-1])]
        beside = {stage.name for stage in ordered if any(_reads(stage, made) for made in nearest)}
        chosen |= _needed(ordered, beside)
    return tuple(stage for stage in ordered if stage.name in chosen)


def outdated(stages: Sequence[LockedStage]) -> tuple[str, ...]:
    """Return the names of stages that read other bytes than the lock's own stages wrote last."""
    made = {file.path: file.md5 for stage in stages for file in stage.outputs}
    return tuple(stage.name for stage in stages if any(made.get(f.path, f.md5) != f.md5 for f in stage.inputs))


def made_by(stages: Iterable[LockedStage], path: str) -> bool:
    """Return whether one of the stages writes `path`, a folder around it or something in it."""
    return any(_overlap(path, out.path) for stage in stages for out in stage.outputs)


def _needed(ordered: Sequence[LockedStage], names: set[str]) -> set[str]:
    needed = set(names)
    for stage in reversed(ordered):
        if stage.name in needed:
            needed |= {other.name for other in ordered if other is not stage and _reads(stage, other)}
    return needed


def _reads(stage: LockedStage, other: LockedStage) -> bool:
    return any(_overlap(read.path, made.path) for read in stage.inputs for made in other.outputs)


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
