"""A pipeline over the fakes of reproduction: three quick stages, their commit and data, and a plan to run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.domain.recorded import CommitPlace, Recorded
from handrail.reproduction.ports import ReproductionPorts
from handrail.reproduction.service.plan import Listener, Options, Plan, Reproduction
from handrail.reproduction.service.run import Reproducer
from tests.fakes.reproduction import (
    LOCK,
    FakeCommits,
    FakeData,
    FakePackages,
    FakeRunner,
    FolderState,
    MemoryFolder,
    PlainFiles,
    contents,
    lock_of,
    locked,
    md5_of,
)
from tests.fakes.reproduction_models import FakeModels, FakeScorer

COMMIT = "c0" * 20
VERSION = "mlflow://test/registered/toys/17/1"
STAGES = {
    "clean": (("clean.py", "data/input.csv"), ("data/rows.parquet",)),
    "train": (("train.py", "data/rows.parquet"), ("models/trained", "reports/train.json")),
    "package": (("models/trained", "data/rows.parquet"), ("models/package",)),
}
CODE = {"clean.py": b"clean", "train.py": b"train", "requirements.lock": b"numpy==2.0\n"}


def clean(project: Path) -> None:
    rows = [float(row) for row in (project / "data/input.csv").read_text().split()]
    write(project / "data/rows.parquet", json.dumps(rows))


def train(project: Path, slope: float = 2.0) -> None:
    write(project / "models/trained/weights.json", json.dumps({"slope": slope}))
    write(project / "reports/train.json", json.dumps({"slope": slope}))


def package(project: Path) -> None:
    write(project / "models/package/weights.json", (project / "models/trained/weights.json").read_text())


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@dataclass
class World:
    """The commit and the remote after one run of the pipeline below `folder`; `plan` runs it again."""

    folder: Path
    steps: dict[str, Callable[[Path], None]] = field(
        default_factory=lambda: {"clean": clean, "train": train, "package": package}
    )

    def __post_init__(self) -> None:
        made = self.folder / "made"
        for path, content in CODE.items():
            write(made / path, content.decode())
        write(made / "data/input.csv", "1\n2\n3\n")
        stages = []
        for name, (ins, outs) in STAGES.items():
            self.steps[name](made)
            reads, writes = (tuple(LockedFile(path, "") for path in paths) for paths in (ins, outs))
            blank = LockedStage(name, "", f"python {name}.py", '{"params.yaml": {"n": 1}}', reads, writes)
            stages.append(locked(blank, made))
        data = LockedFile("data/input.csv", md5_of(contents(made / "data/input.csv")))
        outputs = [file for stage in stages for file in stage.outputs]
        self.files = PlainFiles()
        self.commits = FakeCommits({COMMIT: CODE | {LOCK: lock_of(stages)}})
        self.data = FakeData({file.md5: contents(made / file.path) for file in (data, *outputs)}, (data,))
        self.runner = FakeRunner(self.steps, self.commits)
        self.packages = FakePackages({"numpy": "2.0"})
        self.models = FakeModels()
        self.ports = ReproductionPorts(
            self.commits, self.data, self.runner, self.packages, self.files, FakeScorer(), self.models
        )
        uri = f"dvc-stage://toys/package@{stages[-1].fingerprint}"
        tree = self.files.tree_digest(made, "models/package")
        recorded = Recorded(VERSION, tree, "models/package", {uri: (COMMIT,)})
        self.plan = Plan(recorded, CommitPlace(COMMIT, self.commits.repository), "package", tuple(stages))
        self.states: dict[Path, FolderState] = {}
        self.steps_reported: list[str] = []

    def until(self, stage: str) -> Plan:
        """Return the plan that ends at a stage."""
        names = list(STAGES)
        return replace(self.plan, stages=self.plan.stages[: names.index(stage) + 1])

    def run(self, plan: Plan | None = None, **options: object) -> Reproduction:
        """Reproduce, always in the same work folder."""
        folder = MemoryFolder(self.folder / "work", self.states)
        chosen = replace(Options(Path("/usr/bin/python"), {"PATH": "/bin"}), **options)  # type: ignore[arg-type]
        listener = Listener(lambda line: None, lambda step: self.steps_reported.append(step.name))
        try:
            return Reproducer(self.ports).reproduce(plan or self.plan, chosen, folder, listener)
        finally:
            folder.close()
