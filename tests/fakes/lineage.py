"""Lineage without a database: the ports in memory, and the story of one model from raw file to deployment."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from handrail.errors import InvalidInput, MissingFile
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.domain.names import agent_uri, artifact_at
from handrail.lineage.domain.pipeline import (
    CodeFile,
    FeatureSet,
    Member,
    PipelineFile,
    PipelineRecord,
    StageRun,
    tree_digest,
)
from handrail.lineage.ports import LineagePorts, PipelineReader, PointerLog, PredictionIndex
from handrail.lineage.service.lineage import Lineage
from handrail.refs import BentoTag, Deployment, FeatureService, FeatureView, ModelVersion, TrackingRun
from tests.fakes.lineage_graph import GraphInMemory


class PointersInMemory(PointerLog):
    """Pointer rows as a set."""

    def __init__(self):
        self.rows = set()

    def add(self, pointer):
        self.rows.add(pointer)

    def at(self, name, moment):
        return max((row for row in self.history(name) if row.at <= moment), key=_when, default=None)

    def history(self, name):
        return tuple(sorted((row for row in self.rows if row.name == name), key=_when))

    def names(self, target=None):
        return tuple(sorted({row.name for row in self.rows if target in (None, row.target)}))


def _when(row):
    return row.at, row.target or "", row.by


@dataclass
class PredictionsInMemory(PredictionIndex):
    """Predictions by id, each with the URI of its deployment; what deployments brought by currency."""

    made_by: dict[str, str] = field(default_factory=dict)
    brought: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    subjects: dict[str, list[str]] = field(default_factory=dict)

    def deployment_of(self, prediction_id):
        return self.made_by.get(prediction_id)

    def about(self, subject, most):
        return self.subjects.get(subject, [])[:most]

    def count_predictions(self, deployments):
        made = list(self.made_by.values())
        return {uri: made.count(uri) for uri in deployments}

    def money(self, deployments):
        return {uri: self.brought[uri] for uri in deployments if uri in self.brought}


COMMIT = "c0" * 20


@dataclass
class PipelineInMemory(PipelineReader):
    """A pipeline whose last run is given; None if there is no lock file. Only `commits` are known."""

    stages: tuple[StageRun, ...] | None
    commits: frozenset[str] = frozenset({COMMIT})

    def read(self, project, commit):
        if commit not in self.commits:
            raise InvalidInput("commit", f"{commit!r} is not a commit of {project.name}", "Give 40 digits.")
        if self.stages is None:
            raise MissingFile(f"{project.name}/dvc.lock", "Run: dvc repro.")
        return PipelineRecord("shop", self.stages)


PERMIT = artifact_at("approval://registry/request-1", "sha256:" + "9a" * 32)
VERSION = ModelVersion("registry", "flights", 17, 1)
INPUTS = "ab" * 32
RUN = TrackingRun("registry", "run-1")
BENTO = BentoTag("flights", "b1")
DEPLOYMENT = Deployment("local", "flights", "d1")


def a_file(path, number):
    """A file under DVC whose hashes follow from a small number."""
    return Member(path, f"{number:032x}", f"{number:064x}", number)


def a_folder(path, number, *members):
    """A folder under DVC."""
    return PipelineFile(path, f"{number:032x}.dir", f"{number:064x}", members)


RAW = a_folder("data/raw", 1, a_file("data/raw/2013-01.csv", 2), a_file("data/raw/2013-02.csv", 3))
CLEAN = a_folder("data/validated", 4, a_file("data/validated/flights.parquet", 5))
VALIDATION = PipelineFile("data/validation.json", f"{6:032x}", f"{6:064x}")
TRAINING = a_folder("data/training", 7, a_file("data/training/manifest.json", 8))
MODEL = a_folder("models/package", 9, a_file("models/package/MLmodel", 10))
FEATURES = FeatureSet(
    TRAINING, FeatureService("shop", "flights_v1", "aa" * 32), (FeatureView("shop", "weather", "bb" * 32),)
)


def a_stage(name, inputs, outputs, **more):
    """A stage run that used one source file of its name."""
    code = (CodeFile(f"flows/steps/{name}.py", f"{len(name):032x}", in_commit=True),)
    return StageRun(name, f"{len(name):064x}", COMMIT, "{}", inputs, code, outputs, **more)


STAGES = (
    a_stage("acquire", (), (RAW,)),
    a_stage("validate", (RAW,), (CLEAN, VALIDATION), validation=VALIDATION),
    a_stage("features", (CLEAN,), (TRAINING,), features=FEATURES),
    a_stage("train", (TRAINING,), (MODEL,), inputs_fingerprint=INPUTS),
)


def open_in_memory(made_by=None, stages=STAGES, brought=None, subjects=None):
    """Lineage over fakes."""
    graph = GraphInMemory()
    return Lineage(
        LineagePorts(
            graph=graph,
            pointers=PointersInMemory(),
            predictions=PredictionsInMemory(made_by or {}, brought or {}, subjects or {}),
            pipelines=PipelineInMemory(stages),
            repository="shop",
            write_events=write_events,
        )
    )


def story(project):
    """The calls by which one model's life is recorded, as functions of a lineage."""
    tree = tree_digest(MODEL.members, MODEL.path)
    return [
        lambda lineage: lineage.record_pipeline(project, COMMIT),
        lambda lineage: lineage.record_tracking_run(RUN, stage_inputs=INPUTS, tree_digest=tree),
        lambda lineage: lineage.record_registration(VERSION, tree_digest=tree, run=RUN),
        lambda lineage: lineage.record_permit(
            PERMIT,
            VERSION,
            tree_digest=tree,
            policy_digest="sha256:" + "5f" * 32,
            approvers=[agent_uri("registry", "ann"), agent_uri("registry", "bob")],
        ),
        lambda lineage: lineage.record_bento(BENTO, PERMIT, tree_digest=tree, digest="sha256:" + "be" * 32),
        lambda lineage: lineage.record_deployment(
            DEPLOYMENT, BENTO, bento_digest="sha256:" + "be" * 32, tree_digest=tree
        ),
    ]


def open_story(subjects=None):
    """Lineage over fakes that holds the story, the predictions p1 and p2 of its deployment, and whom they are about."""
    opened = open_in_memory({"p1": DEPLOYMENT.uri, "p2": DEPLOYMENT.uri}, subjects=subjects)
    for call in story(Path()):
        call(opened)
    return opened
