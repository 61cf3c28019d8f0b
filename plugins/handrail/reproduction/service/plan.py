"""What is to be reproduced and how, the plan that lineage and git give for it, and the result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from handrail.errors import Conflict, UnknownReference
from handrail.lineage import Lineage, LockedFile, LockedStage
from handrail.reproduction.domain.environments import EnvironmentCheck, compare_packages
from handrail.reproduction.domain.recorded import STAGE, CommitPlace, FetchedData, Recorded, recorded_model
from handrail.reproduction.domain.results import Compared, Conclusion, Predictions
from handrail.reproduction.domain.stages import choose_stages, outdated
from handrail.reproduction.ports import FileComparer, ReproductionPorts
from handrail.reproduction.service.logging_stages import find_locked


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be reproduced, and how.

    `until` ends at that stage; `lock` names the commit's lock file, `rows` a table to score; numbers may differ by
    `tolerance`. `python` runs the stages unless `install` makes an environment; `environment` is what they see.
    """

    python: Path
    environment: Mapping[str, str]
    until: str | None = None
    lock: str | None = None
    rows: Path | None = None
    tolerance: float = 1e-9
    install: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What lineage and git say about a model: which commit, and which stages, in order; `target` made the tree."""

    recorded: Recorded
    place: CommitPlace
    target: str
    stages: tuple[LockedStage, ...]

    @property
    def runs_target(self) -> bool:
        """Whether the stage that made the model runs again; `until` may end before it."""
        return any(stage.name == self.target for stage in self.stages)

    @property
    def identity(self) -> Mapping[str, str]:
        """What makes two reproductions the same one."""
        own = {"tree": self.recorded.tree} if self.recorded.logged else {}
        return {"commit": self.place.commit, "stages": " ".join(one.fingerprint[:12] for one in self.stages)} | own


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step that ended, with its result in words."""

    name: str
    sentence: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Listener:
    """Where progress is reported: `progress` gets lines while a step runs, `step` each step that ended."""

    progress: Callable[[str], None]
    step: Callable[[StepReport], None]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The result of running the plan; `compared` is in pipeline order."""

    plan: Plan
    conclusion: Conclusion
    compared: tuple[Compared, ...]
    environment: EnvironmentCheck | None = None
    predictions: Predictions | None = None
    notes: tuple[str, ...] = ()


class Planner:
    """Finds what made a model, and whether commit, data and packages are available."""

    def __init__(self, lineage: Lineage, ports: ReproductionPorts) -> None:
        """Ask `lineage` what made a model; look for commit, data and packages through `ports`."""
        self._lineage = lineage
        self._ports = ports

    def plan(self, ref: str, until: str | None = None) -> Plan:
        """Find the stage run that wrote or logged a model's tree, its commit, and what has to run again.

        `ref` is the URI of a model version or a tree, or whatever else leads to one tree first.

        Raises:
            UnknownReference: lineage knows no such thing, no stage made it, or no repository holds its commit.
            Conflict: the commit's dvc.lock does not hold that stage run, or contradicts itself.
        """
        trace = self._lineage.trace(ref)
        recorded = recorded_model(trace)
        if recorded.logged is not None:
            (place,) = self._places([recorded.logged.commit])
            at = find_locked(self._ports, recorded.logged, place)
            return Plan(recorded, at.place, at.target.name, _current(at.stages, at.target.name, until))
        seen = {node.uri.rpartition("@")[2] for node in trace.nodes if node.uri.startswith(STAGE)}
        place, target_name, stages = self._written(recorded, seen)
        return Plan(recorded, place, target_name, _current(stages, target_name, until))

    def survey(
        self, plan: Plan, folder: Path, python: Path, lock: str | None = None
    ) -> tuple[FetchedData, EnvironmentCheck]:
        """Check the commit out into `folder`; return which data and packages are there. Nothing is fetched or run."""
        project = self._ports.commits.check_out(plan.place, folder)
        places = self._ports.data.connect(project, Path(plan.place.repository) / plan.place.prefix)
        wanted = [*self._ports.data.tracked(project), *files_to_fetch(plan, project, self._ports.files)]
        pinned = self._ports.packages.recorded(project, None, lock)
        differences = compare_packages(pinned.pins, self._ports.packages.installed(python))
        check = EnvironmentCheck(pinned.sources, len(pinned.pins), differences)
        return self._ports.data.near(project, places, wanted), check

    def _written(self, recorded: Recorded, seen: Collection[str]) -> tuple[CommitPlace, str, tuple[LockedStage, ...]]:
        """Return the commit, the name of the stage that wrote the tree, and the lock's stages.

        Of several commits, the one most of whose stage runs were `seen` in the trace, by their fingerprints.
        """
        # Two pipelines of a project may have equal entries.
        writers = {unquote(uri.removeprefix(STAGE).partition("/")[2]) for uri in recorded.stages}
        found = []
        for place in self._places(sorted({commit for of in recorded.stages.values() for commit in of})):
            stages = self._ports.runner.stages(place)
            target = next((one for one in stages if f"{one.name}@{one.fingerprint}" in writers), None)
            if target is not None:
                found.append((sum(one.fingerprint in seen for one in stages), place, target.name, stages))
        if not found:
            held = ", ".join(sorted(recorded.stages))
            raise Conflict("dvc.lock", "at the recorded commit", f"It does not hold {held}: record the pipeline again.")
        _, place, target_name, stages = max(found, key=lambda one: (one[0], one[1].commit))
        return place, target_name, stages

    def _places(self, commits: Sequence[str]) -> Sequence[CommitPlace]:
        places = self._ports.commits.holding(commits)
        if not places:
            looked = ", ".join(self._ports.commits.searched())
            raise UnknownReference(
                "commit",
                ", ".join(commits) or "that made it",
                f"Looked in {looked}. Name the repository that holds it: --repository <folder or address>.",
            )
        return places


def files_to_fetch(plan: Plan, project: Path, files: FileComparer) -> list[LockedFile]:
    """Return what the stages wrote that the checked-out commit does not hold, or holds otherwise."""
    outputs = [file for stage in plan.stages for file in stage.outputs]
    return [file for file in outputs if files.digest(project, file) != file.md5]


def _current(stages: Sequence[LockedStage], target: str, until: str | None) -> tuple[LockedStage, ...]:
    """Choose what runs; leave out stages beside the model that the lock holds an outdated run of."""
    chosen = choose_stages(stages, target, until)
    stale = set(outdated(chosen))
    needed = {stage.name for stage in choose_stages(stages, until or target, until or target)}
    if stale & needed:
        name = sorted(stale & needed)[0]
        raise Conflict(
            "dvc.lock", name, "This stage read other bytes than the ones before it wrote: nothing to compare."
        )
    return tuple(stage for stage in chosen if stage.name not in stale)
