"""Lineage without a database: the ports in memory, and the story of one model from raw file to deployment."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal

from handrail.lineage.adapters.openlineage_writer import OpenLineageWriter
from handrail.lineage.domain import (
    CodeFile,
    CycleRefused,
    DigestConflict,
    Direction,
    Edge,
    Facts,
    FeatureSet,
    Member,
    Node,
    PipelineFile,
    PipelineRecord,
    RoleConflict,
    StageRun,
    Tally,
    Verb,
    Walk,
    agent_uri,
    artifact_at,
    merge_nodes,
    tree_digest,
)
from handrail.lineage.service import Lineage, LineagePorts
from handrail.refs import BentoTag, Deployment, FeatureService, FeatureView, ModelVersion, TrackingRun


class GraphInMemory:
    """The graph as sets; every question is answered from all statements at once."""

    def __init__(self):
        self.nodes = {}
        self.statements = set()
        self.digests = {}
        self.events = {}
        self.queue = set()

    def record(self, facts, events=(), sinks=()):
        before = self._held()
        nodes = dict(self.nodes)
        for fact in facts.nodes:
            held = nodes.setdefault(fact.uri, [])
            if held and held[0].role is not fact.role:
                raise RoleConflict(fact.uri, held[0].role.word, fact.role.word)
            nodes[fact.uri] = [*held, fact]
        statements = self.statements | facts.statements
        _refuse_cycle(statements)
        for uri, digest in sorted(_claims(facts.statements - self.statements)):
            self.digests.setdefault(uri, {}).setdefault(digest.partition(":")[0], []).append(digest)
        self.nodes, self.statements = nodes, statements
        if self._held() == before:
            return False
        new = {event.event_id: event for event in events if event.event_id not in self.events}
        self.events |= new
        self.queue |= {(sink, event_id) for sink in sinks for event_id in new}
        return True

    def _held(self):
        return {uri: self._node(uri) for uri in self.nodes}, self.statements

    def facts(self, uris):
        nodes = merge_nodes(fact for uri in uris for fact in self.nodes.get(uri, ()))
        known = {node.uri for node in nodes}
        return Facts(frozenset(nodes), frozenset(s for s in self.statements if {s.effect, s.cause} <= known))

    def walk(self, start, direction, max_nodes, depth=None):
        if start not in self.nodes:
            return None
        reached, queue = [start], deque([(start, 0)])
        while queue and len(reached) <= max_nodes:
            here, hops = queue.popleft()
            for there in sorted(_beyond(self.statements, here, direction)) if hops != depth else ():
                if there not in reached:
                    reached.append(there)
                    queue.append((there, hops + 1))
        kept = set(reached[:max_nodes])
        edges = {(s.effect, s.cause, s.verb) for s in self.statements if {s.effect, s.cause} <= kept}
        return Walk(
            start,
            tuple(self._node(uri) for uri in sorted(kept)),
            tuple(self._edge(*key) for key in sorted(edges)),
            len(reached) > max_nodes,
        )

    def tally(self, what, kinds=()):
        walk = self.walk(what.start, what.direction, what.max_nodes, what.depth)
        if walk is None:
            return None
        named = {kind: tuple(node.uri for node in walk.nodes if node.kind == kind) for kind in kinds}
        return Tally(what.start, dict(Counter(node.kind for node in walk.nodes)), named, walk.truncated)

    def page(self, what, kinds, after, limit):
        walk = self.walk(what.start, what.direction, what.max_nodes, what.depth)
        nodes = walk.nodes if walk else ()
        return tuple(node for node in nodes if node.uri > after and (not kinds or node.kind in kinds))[:limit]

    def find(self, prefix, limit, after=""):
        return tuple(sorted(uri for uri in self.nodes if uri.startswith(prefix) and uri > after))[:limit]

    def conflicts(self, uris=None):
        return tuple(
            DigestConflict(uri, claims[0], tuple(sorted(set(claims[1:]) - {claims[0]})), self._tellers(uri))
            for uri, held in sorted(self.digests.items())
            for _, claims in sorted(held.items())
            if len(set(claims)) > 1 and (uris is None or uri in uris)
        )

    def _node(self, uri):
        facts = self.nodes[uri]
        values = {}
        for name, value in sorted({pair for fact in facts for pair in fact.attributes}):
            values.setdefault(name, []).append(value)
        standing = [claims[0] for claims in self.digests.get(uri, {}).values()]
        return Node(
            uri,
            facts[0].role,
            min(fact.kind for fact in facts),
            max(standing, default=None),
            {name: " | ".join(given) for name, given in values.items()},
            min((fact.started for fact in facts if fact.started), default=None),
            max((fact.ended for fact in facts if fact.ended), default=None),
        )

    def _edge(self, effect, cause, verb):
        mine = [s for s in self.statements if (s.effect, s.cause, s.verb) == (effect, cause, verb)]
        proven = any(self._proves(statement) for statement in mine)
        return Edge(effect, cause, verb, proven, tuple(sorted({statement.asserted_by for statement in mine})))

    def _proves(self, one):
        if one.agreed:
            return True
        if one.verb is Verb.GENERATED:
            return bool(one.effect_digest) and any(
                (other.cause, other.cause_digest) == (one.effect, one.effect_digest) for other in self.statements
            )
        return bool(one.cause_digest) and any(
            (other.effect, other.effect_digest) == (one.cause, one.cause_digest) for other in self.statements
        )

    def _tellers(self, uri):
        return tuple(
            sorted(
                {
                    s.asserted_by
                    for s in self.statements
                    if (s.effect == uri and s.effect_digest) or (s.cause == uri and s.cause_digest)
                }
            )
        )


def _claims(statements):
    for statement in statements:
        if statement.effect_digest:
            yield statement.effect, statement.effect_digest
        if statement.cause_digest:
            yield statement.cause, statement.cause_digest


def _beyond(statements, here, direction):
    if direction is Direction.CAUSES:
        return {s.cause for s in statements if s.effect == here}
    return {s.effect for s in statements if s.cause == here}


def _refuse_cycle(statements):
    left = set(statements)
    while left:
        effects = {s.effect for s in left}
        free = {s for s in left if s.cause not in effects}
        if not free:
            raise CycleRefused([s.sentence for s in sorted(left, key=lambda s: s.sentence)])
        left -= free


class PointersInMemory:
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
class PredictionsInMemory:
    """Predictions by id, each with the URI of its deployment; what deployments brought by currency."""

    made_by: dict[str, str] = field(default_factory=dict)
    brought: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def deployment_of(self, prediction_id):
        return self.made_by.get(prediction_id)

    def count_predictions(self, deployments):
        made = list(self.made_by.values())
        return {uri: made.count(uri) for uri in deployments}

    def money(self, deployments):
        return {uri: self.brought[uri] for uri in deployments if uri in self.brought}


@dataclass
class PipelineInMemory:
    """A pipeline whose last run is given."""

    stages: tuple[StageRun, ...]

    def read(self, project, commit):
        return PipelineRecord("shop", self.stages)


COMMIT = "c0" * 20
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


def open_in_memory(made_by=None, stages=STAGES, brought=None):
    """Lineage over fakes."""
    graph = GraphInMemory()
    return Lineage(
        LineagePorts(
            graph=graph,
            conflicts=graph,
            pointers=PointersInMemory(),
            predictions=PredictionsInMemory(made_by or {}, brought or {}),
            pipelines=PipelineInMemory(stages),
            repository="shop",
            writer=OpenLineageWriter(),
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
