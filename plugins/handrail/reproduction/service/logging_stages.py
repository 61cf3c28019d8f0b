"""Finds the stage that a script logged a model in, and the commit whose lock file holds that run of the stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.lineage import LockedStage
from handrail.reproduction.domain.logged import LoggedRun, stage_that_ran
from handrail.reproduction.domain.recorded import ADD_STAGE, NO_STAGE, CommitPlace, not_recorded
from handrail.reproduction.ports import ReproductionPorts


@dataclass(frozen=True, slots=True)
class LockedAt:
    """A commit, all stages of its lock files, and the one that logged the model."""

    place: CommitPlace
    stages: tuple[LockedStage, ...]
    target: LockedStage


def find_locked(ports: ReproductionPorts, run: LoggedRun, place: CommitPlace) -> LockedAt:
    """Return the first commit, from the run's own on, whose lock file holds the run of its stage.

    DVC writes the lock after the stage has ended, so it is mostly committed after the commit that the run names, which
    may still hold the entry of an earlier run. An entry is taken for that of this run if the run's commit has the code,
    data and parameters that it names. Of a checkout that had changes nothing says what ran: the first entry that is
    another one is taken, and comparing its inputs shows whether the commit holds them.

    Raises:
        InvalidInput: no stage ran the script, or several may have.
    """
    found = [
        LockedAt(at, stages, target)
        for at in (place, *ports.commits.later(place))
        for stages in [ports.runner.stages(at)]
        for target in [stage_that_ran(run, stages)]
        if target is not None
    ]
    if not found:
        raise not_recorded(f"the model of {run.uri}", NO_STAGE, ADD_STAGE)
    if not run.dirty:
        fitting = next((one for one in found if ports.runner.fits(place, one.target)), None)
        if fitting is not None:
            return fitting
    return _first_other(found, place)


def _first_other(found: Sequence[LockedAt], place: CommitPlace) -> LockedAt:
    """Return the first entry that is not the one that the run's own commit holds, else that one."""
    before = {one.target.fingerprint for one in found if one.place == place}
    return next((one for one in found if one.target.fingerprint not in before), found[0])
