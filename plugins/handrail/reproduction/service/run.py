"""Reproducing a model as planned: run the pipeline again in a clean folder, compare, judge."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from handrail.errors import Unavailable, UnknownReference
from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.domain.environments import EnvironmentCheck, compare_packages
from handrail.reproduction.domain.verdicts import Compared, FetchedData, Grade, Predictions, judge, made_by
from handrail.reproduction.ports import ReproductionPorts, WorkFolder
from handrail.reproduction.service.comparing import Comparing
from handrail.reproduction.service.plan import Listener, Outcome, Plan, Step, Wish, unheld

LOCK = "dvc.lock"
PREPARED = ".prepared"
CLONE, RECORDED, VENV = "clone", "recorded", "venv"


class Reproducer:
    """Runs a planned pipeline again, and says whether the same came of it."""

    def __init__(self, ports: ReproductionPorts) -> None:
        """Work on `ports`."""
        self._ports = ports
        self._comparing = Comparing(ports.files)

    def reproduce(self, plan: Plan, wish: Wish, folder: WorkFolder, listener: Listener) -> Outcome:
        """Reproduce in `folder`; an interrupted reproduction of the same plan goes on where it was.

        Raises:
            Refused: the folder holds something else.
            Unavailable: input data is nowhere, a stage fails, the disk is full.
        """
        done = folder.open(plan.identity)
        root = folder.path
        project = root / CLONE / plan.place.prefix
        notes = [_DIRTY] if plan.recorded.dirty else []
        if PREPARED not in done:
            notes += self._prepare(plan, root, listener)
            folder.mark(PREPARED)
        inputs = self._inputs(plan, project, root / RECORDED) if not set(done) - {PREPARED} else ()
        if any(each.grade is not Grade.BYTES for each in inputs):
            return Outcome(plan, judge(inputs, None, wish.tolerance), tuple(inputs), notes=tuple(notes))
        check, python, environment = self._environment(plan, wish, root, listener)
        compared = [*inputs]
        for stage in plan.stages:
            began = monotonic()
            new = self._run(project, stage, (done, environment), listener)
            folder.mark(stage.name)
            outputs = self._comparing.stage((stage, new), (root / RECORDED, project), plan.recorded, wish.tolerance)
            listener.step(Step(stage.name, _tell(outputs), monotonic() - began))
            compared += outputs
        predictions = self._predictions(plan, wish, root, (python, environment), listener)
        judgement = judge(compared, predictions, wish.tolerance)
        return Outcome(plan, judgement, tuple(compared), check, predictions, tuple(notes))

    def _prepare(self, plan: Plan, root: Path, listener: Listener) -> list[str]:
        """Lay the commit into the folder, the data it tracks into it, and what it recorded beside it."""
        began = monotonic()
        listener.progress(f"checking out {plan.place.commit}")
        project = self._ports.commits.check_out(plan.place, root / CLONE)
        listener.step(Step("checkout", f"{plan.place.commit} of {plan.place.repository}", monotonic() - began))
        began = monotonic()
        origin = Path(plan.place.repository) / plan.place.prefix
        places = self._ports.data.connect(project, origin)
        tracked, outputs = self._ports.data.tracked(project), unheld(plan, project, self._ports.files)
        for out in {file.path for stage in plan.stages for file in stage.outputs} - {file.path for file in outputs}:
            self._ports.files.copy(project / out, root / RECORDED / out)
        listener.progress(f"pulling {len(tracked) + len(outputs)} files and folders from {', '.join(places)}")
        fetched = self._ports.data.fetch(project, places, [*tracked, *outputs])
        _require(fetched, tracked)
        for file in tracked:
            self._ports.data.restore(project, file, project / file.path)
        for file in outputs:
            if file not in fetched.missing:
                self._ports.data.restore(project, file, root / RECORDED / file.path)
        told = f"{fetched.size / 1e6:,.1f} MB of {len(tracked) + len(outputs)} files and folders"
        listener.step(Step("data", told, monotonic() - began))
        return [f"{file.path}: its recorded bytes are nowhere; compared by digest alone" for file in fetched.missing]

    def _inputs(self, plan: Plan, project: Path, recorded: Path) -> Sequence[Compared]:
        """Compare what was checked out and pulled with what was recorded, before anything runs."""
        tracked = self._ports.data.tracked(project)
        read = {file.path for stage in plan.stages for file in stage.inputs}
        found = [*self._comparing.tracked(project, [file for file in tracked if file.path not in read])]
        known = {file.path for file in tracked}
        for stage in plan.stages:
            outside = [file for file in stage.inputs if not made_by(plan.stages, file.path)]
            found += self._comparing.inputs(project, stage.name, outside, known)
            found += self._comparing.pulled(recorded, stage)
        if plan.target in {stage.name for stage in plan.stages}:
            found += self._comparing.tree(recorded, plan.target, plan.recorded)
        return found

    def _environment(
        self, plan: Plan, wish: Wish, root: Path, listener: Listener
    ) -> tuple[EnvironmentCheck, Path, Mapping[str, str]]:
        began = monotonic()
        project = root / CLONE / plan.place.prefix
        packages = self._ports.packages
        told = packages.recorded(project, root / RECORDED / plan.recorded.path, wish.lock)
        python = wish.python
        if wish.install:
            if not told.lock:
                raise UnknownReference("lock file", "requirements.lock", "The commit has none: name it with --lock.")
            listener.progress(f"installing {told.lock}")
            python = packages.install(project / told.lock, root / VENV)
        differences = compare_packages(told.pins, packages.installed(python))
        check = EnvironmentCheck(told.sources, len(told.pins), differences, VENV if wish.install else "")
        paths = [str(folder) for folder in packages.import_roots(project)]
        before = wish.environment.get("PATH", os.defpath)
        own = {"PATH": os.pathsep.join([str(python.parent), before]), "PYTHONPATH": os.pathsep.join(paths)}
        listener.step(Step("environment", check.sentence, monotonic() - began))
        return check, python, {**wish.environment, **own}

    def _run(
        self,
        project: Path,
        stage: LockedStage,
        state: tuple[Sequence[str], Mapping[str, str]],
        listener: Listener,
    ) -> LockedStage:
        done, environment = state
        runner = self._ports.runner
        held = runner.entry(project, stage.name) if stage.name in done else None
        if held is not None and all(self._ports.files.digest(project, o.path) == o.md5 for o in held.outputs):
            return held
        listener.progress(f"running {stage.name}")
        return runner.run(project, stage.name, environment, listener.progress)

    def _predictions(
        self, plan: Plan, wish: Wish, root: Path, how: tuple[Path, Mapping[str, str]], listener: Listener
    ) -> Predictions | None:
        """Let both trees score the same rows, if both are there and are MLflow models."""
        began = monotonic()
        project, recorded = root / CLONE / plan.place.prefix, root / RECORDED
        trees = recorded / plan.recorded.path, project / plan.recorded.path
        if plan.target not in {stage.name for stage in plan.stages} or not all(t.is_dir() for t in trees):
            return None
        listener.progress("scoring the same rows with both models")
        candidates = [recorded / file for file in self._tables(plan, recorded)]
        found = self._ports.scorer.compare(trees, wish.rows, candidates, *how)
        listener.step(Step("predictions", _answers(found, recorded), monotonic() - began))
        return found

    def _tables(self, plan: Plan, recorded: Path) -> Sequence[str]:
        """Return the recorded tables that the packaging stage reads, or if there are none, all."""
        target = next(stage for stage in plan.stages if stage.name == plan.target)
        every = [file for stage in plan.stages for out in stage.outputs for file in self._parquet(recorded, out.path)]
        return [file for read in target.inputs for file in self._parquet(recorded, read.path)] or every

    def _parquet(self, root: Path, path: str) -> Sequence[str]:
        return [file for file in self._ports.files.files(root, path) if file.endswith(".parquet")]


_DIRTY = "The tracking run says that its checkout had uncommitted changes; only committed files can be compared."


def _require(fetched: FetchedData, inputs: Sequence[LockedFile]) -> None:
    """Refuse to go on without input data.

    Raises:
        Unavailable: it names the first file that is nowhere.
    """
    first = next((file for file in inputs if file in fetched.missing), None)
    if first is not None:
        why = f": {fetched.said}" if fetched.said else ""
        raise Unavailable(
            first.path,
            f"neither the remote nor a cache holds its bytes (md5 {first.md5}){why}",
            "Run 'dvc push' where they were made.",
        )


def _tell(outputs: Sequence[Compared]) -> str:
    return "; ".join(f"{each.path} {each.grade.value}" for each in outputs) or "it writes nothing"


def _answers(found: Predictions | None, recorded: Path) -> str:
    if found is None:
        return "no rows were found that the model takes: name some with --rows"
    source = found.source.removeprefix(f"{recorded}/")
    told = f"{found.rows:,} rows of {source}: max difference {found.max_difference:.3g}, labels differ"
    return f"{told} {found.labels_differ:,}. {found.detail}".rstrip()
