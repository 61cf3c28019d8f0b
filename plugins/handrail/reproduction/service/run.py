"""Reproduces a model as planned: runs the pipeline again in a clean folder, compares, concludes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from handrail.errors import Unavailable, UnknownReference
from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.domain.environments import EnvironmentCheck, compare_packages
from handrail.reproduction.domain.recorded import FetchedData
from handrail.reproduction.domain.results import Compared, Grade, Predictions, conclude
from handrail.reproduction.domain.stages import made_by
from handrail.reproduction.ports import ReproductionPorts, WorkFolder
from handrail.reproduction.service.comparing import Comparer
from handrail.reproduction.service.plan import Listener, Options, Plan, Reproduction, StepReport, files_to_fetch

PREPARED = ".prepared"
TABLES = (".parquet", ".csv")
CLONE, RECORDED, LOGGED, VENV = "clone", "recorded", "logged", "venv"
_DIRTY = "The tracking run says that its checkout had uncommitted changes; only committed files can be compared."
_NOT_HERE = "Let its script take the tracking store from MLFLOW_TRACKING_URI, and log a model every time that it runs."


class Reproducer:
    """Runs a planned pipeline again, and says whether the results are the same."""

    def __init__(self, ports: ReproductionPorts) -> None:
        self._ports = ports

    def reproduce(self, plan: Plan, options: Options, folder: WorkFolder, listener: Listener) -> Reproduction:
        """Reproduce in `folder`; an interrupted reproduction of the same plan continues where it stopped.

        Raises:
            Refused: the folder holds something else.
            Unavailable: input data is found nowhere, a stage fails, the disk is full.
        """
        done = folder.open(plan.identity)
        run = _Run(self._ports, plan, options, folder.path, listener)
        notes = [_DIRTY] if plan.recorded.dirty else []
        if PREPARED not in done:
            notes += run.prepare()
            folder.mark(PREPARED)
        compared = [] if set(done) - {PREPARED} else run.compare_inputs()
        if any(each.grade is not Grade.BYTES for each in compared):
            conclusion = conclude(compared, None, options.tolerance)
            return Reproduction(plan, conclusion, tuple(compared), notes=tuple(notes))
        environment = run.prepare_environment()
        for stage in plan.stages:
            began = monotonic()
            new = run.run_stage(stage, environment, finished_before=stage.name in done)
            folder.mark(stage.name)
            outputs = run.compare_outputs(stage, new)
            listener.step(StepReport(stage.name, _grades(outputs), monotonic() - began))
            compared += outputs
        predictions = run.compare_predictions(environment)
        conclusion = conclude(compared, predictions, options.tolerance)
        return Reproduction(plan, conclusion, tuple(compared), environment.check, predictions, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Environment:
    """The interpreter that runs the stages, the variables that they see, and how its packages compare."""

    check: EnvironmentCheck
    python: Path
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Run:
    """One reproduction below the folder `root`: the commit in `clone`, what it recorded in `recorded`."""

    ports: ReproductionPorts
    plan: Plan
    options: Options
    root: Path
    listener: Listener

    @property
    def project(self) -> Path:
        return self.root / CLONE / self.plan.place.prefix

    @property
    def recorded(self) -> Path:
        return self.root / RECORDED

    @property
    def comparer(self) -> Comparer:
        return Comparer(self.ports.files)

    def report(self, name: str, sentence: str, began: float) -> None:
        self.listener.step(StepReport(name, sentence, monotonic() - began))

    def prepare(self) -> list[str]:
        """Put the commit and the data that it tracks into the clone, and what it recorded beside it."""
        began, place = monotonic(), self.plan.place
        self.listener.progress(f"checking out {place.commit}")
        project = self.ports.commits.check_out(place, self.root / CLONE)
        self.report("checkout", f"{place.commit} of {place.repository}", began)
        began = monotonic()
        data, files = self.ports.data, self.ports.files
        sources = data.connect(project, Path(place.repository) / place.prefix)
        tracked, outputs = data.tracked(project), files_to_fetch(self.plan, project, files)
        for out in {file.path for stage in self.plan.stages for file in stage.outputs} - {f.path for f in outputs}:
            files.copy(project / out, self.recorded / out)
        count = len(tracked) + len(outputs)
        self.listener.progress(f"pulling {count} files and folders from {', '.join(sources)}")
        fetched = data.fetch(project, sources, [*tracked, *outputs])
        _require(fetched, tracked)
        for file in tracked:
            data.restore(project, file, project / file.path)
        for file in outputs:
            if file not in fetched.missing:
                data.restore(project, file, self.recorded / file.path)
        if self.plan.recorded.logged and self.plan.runs_target:
            self.listener.progress("fetching the recorded model from MLflow")
            self.ports.models.fetch(self.plan.recorded.version, self.recorded / self.plan.recorded.path)
        self.report("data", f"{fetched.size / 1e6:,.1f} MB of {count} files and folders", began)
        return [f"{file.path}: its recorded bytes were not found; compared by digest alone" for file in fetched.missing]

    def compare_inputs(self) -> list[Compared]:
        """Compare what was checked out and pulled with what was recorded, before anything runs."""
        tracked = self.ports.data.tracked(self.project)
        stages, comparer = self.plan.stages, self.comparer
        read, known = {file.path for stage in stages for file in stage.inputs}, {file.path for file in tracked}
        found = [*comparer.inputs(self.project, "", [file for file in tracked if file.path not in read], known)]
        for stage in stages:
            outside = [file for file in stage.inputs if not made_by(stages, file.path)]
            found += comparer.inputs(self.project, stage.name, outside, known)
            found += comparer.pulled(self.recorded, stage)
        if self.plan.runs_target:
            found += comparer.tree(self.recorded, self.plan.target, self.plan.recorded)
        return found

    def prepare_environment(self) -> _Environment:
        """Compare the packages with those recorded; make an environment for them if the options say so."""
        began, options, packages = monotonic(), self.options, self.ports.packages
        pinned = packages.recorded(self.project, self.recorded / self.plan.recorded.path, options.lock)
        python = options.python
        if options.install:
            if not pinned.lock:
                raise UnknownReference("lock file", "requirements.lock", "The commit has none: name it with --lock.")
            self.listener.progress(f"installing {pinned.lock}")
            python = packages.install(self.project / pinned.lock, self.root / VENV)
        differences = compare_packages(pinned.pins, packages.installed(python))
        check = EnvironmentCheck(pinned.sources, len(pinned.pins), differences, VENV if options.install else "")
        paths = [str(folder) for folder in packages.import_roots(self.project)]
        before = options.environment.get("PATH", os.defpath)
        own = {"PATH": os.pathsep.join([str(python.parent), before]), "PYTHONPATH": os.pathsep.join(paths)}
        self.report("environment", check.sentence, began)
        return _Environment(check, python, {**options.environment, **own})

    def run_stage(self, stage: LockedStage, environment: _Environment, *, finished_before: bool) -> LockedStage:
        """Run a stage, unless an interrupted run finished it and what it made is still what that run made."""
        runner, project = self.ports.runner, self.project
        held = runner.entry(project, stage.name) if finished_before else None
        logs = self._logs(stage)
        is_there = not logs or (project / self.plan.recorded.path).is_dir()
        if held is not None and is_there and all(self.ports.files.digest(project, o) == o.md5 for o in held.outputs):
            return held
        self.listener.progress(f"running {stage.name}")
        known = self.ports.models.known(environment.python, environment.variables) if logs else frozenset()
        new = runner.run(project, stage.name, environment.variables, self.listener.progress)
        if logs:
            self._take_logged(stage.name, environment, known)
        return new

    def compare_outputs(self, stage: LockedStage, new: LockedStage) -> list[Compared]:
        """Compare what a stage wrote, and the model that it logged, with what was recorded."""
        roots, recorded, tolerance = (self.recorded, self.project), self.plan.recorded, self.options.tolerance
        found = self.comparer.stage((stage, new), roots, recorded, tolerance)
        if self._logs(stage):
            found.append(self.comparer.logged(stage.name, roots, recorded, tolerance))
        return found

    def _logs(self, stage: LockedStage) -> bool:
        return self.plan.recorded.logged is not None and stage.name == self.plan.target

    def _take_logged(self, stage: str, environment: _Environment, known: frozenset[str]) -> None:
        """Put the model that a stage logged into the clone: of several the one of that name that is most like it.

        Raises:
            Unavailable: it logged none where the reproduction could see it.
        """
        files, recorded = self.ports.files, self.plan.recorded
        found = self.ports.models.take(environment.python, environment.variables, known, self.root / LOGGED)
        if not found or recorded.logged is None:
            raise Unavailable(f"The stage {stage!r}", "it logged no model in the store of the reproduction", _NOT_HERE)
        named = [tree for name, tree in found if name == recorded.logged.model] or [tree for _, tree in found]
        then = self.recorded / recorded.path
        nearest = min(named, key=lambda tree: self.comparer.unevenness(then, tree, self.options.tolerance))
        files.copy(nearest, self.project / recorded.path)

    def compare_predictions(self, environment: _Environment) -> Predictions | None:
        """Let both trees score the same rows, if both are there and are MLflow models."""
        began, path = monotonic(), self.plan.recorded.path
        trees = self.recorded / path, self.project / path
        if not self.plan.runs_target or not all(tree.is_dir() for tree in trees):
            return None
        self.listener.progress("scoring the same rows with both models")
        candidates = self._tables()
        scorer, rows = self.ports.scorer, self.options.rows
        found = scorer.compare(trees, rows, candidates, environment.python, environment.variables)
        self.report("predictions", _answers(found, self.recorded), began)
        return found

    def _tables(self) -> Sequence[Path]:
        """Return the recorded tables that the stage which wrote the model reads, or if there are none, all."""
        target = next(stage for stage in self.plan.stages if stage.name == self.plan.target)
        made = [out.path for stage in self.plan.stages for out in stage.outputs]
        tracked = [file.path for file in self.ports.data.tracked(self.project)]
        return self._tables_at(read.path for read in target.inputs) or self._tables_at([*made, *tracked])

    def _tables_at(self, paths: Iterable[str]) -> Sequence[Path]:
        """Return the tables at or below paths: what stages wrote as it was recorded, what was pulled from the clone."""
        places = [(self.recorded if (self.recorded / path).exists() else self.project, path) for path in paths]
        found = [root / file for root, path in places for file in self.ports.files.files(root, path)]
        return [file for file in found if file.suffix in TABLES]


def _require(fetched: FetchedData, inputs: Sequence[LockedFile]) -> None:
    """Refuse to continue without input data.

    Raises:
        Unavailable: it names the first file that was found nowhere.
    """
    first = next((file for file in inputs if file in fetched.missing), None)
    if first is not None:
        why = f": {fetched.message}" if fetched.message else ""
        raise Unavailable(
            first.path,
            f"neither the remote nor a cache holds its bytes (md5 {first.md5}){why}",
            "Run 'dvc push' where they were made.",
        )


def _grades(outputs: Sequence[Compared]) -> str:
    return "; ".join(f"{each.path} {each.grade.value}" for each in outputs) or "it writes nothing"


def _answers(found: Predictions | None, recorded: Path) -> str:
    if found is None:
        return "no rows were found that the model takes: name some with --rows"
    source = found.source.removeprefix(f"{recorded}/").removeprefix(f"{recorded.parent / CLONE}/")
    sentence = f"{found.rows:,} rows of {source}: max difference {found.max_difference:.3g}, labels differ"
    return f"{sentence} {found.labels_differ:,}. {found.detail}".rstrip()
