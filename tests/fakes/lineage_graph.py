"""The graph store in memory: facts as sets, every question answered from all of them at once."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import astuple, replace

from handrail.lineage.domain.contents import merge_nodes
from handrail.lineage.domain.errors import CycleRefused, RoleConflict
from handrail.lineage.domain.facts import LEFT_OUT, Facts, NodeFact
from handrail.lineage.domain.graph import DigestConflict, Direction, Edge, Node, Tally, Walk
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.lineage.ports import GraphStore

FAILED = ("FAIL", "ABORT")


class GraphInMemory(GraphStore):
    """The graph as sets; every question is answered from all statements at once."""

    def __init__(self):
        self.nodes = {}
        self.statements = set()
        self.digests = {}
        self.events = {}
        self.queue = set()
        self.states = {}
        self.column_facts = set()

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
        self.column_facts |= facts.columns
        if self._held() == before:
            return False
        new = {event.event_id: event for event in events if event.event_id not in self.events}
        self.events |= new
        self.queue |= {(sink, event_id) for sink in sinks for event_id in new}
        return True

    def record_but_circles(self, facts):
        """Record facts without edges that close a circle: of the runs that write now the reads come last."""
        writers = {each.cause for each in facts.statements if each.verb is Verb.GENERATED}
        followed = {each for each in self.statements | facts.statements if each.verb is Verb.ASSOCIATED_WITH}
        writers |= {each.cause for each in followed if each.effect in writers}
        reads = {each for each in self.statements if each.verb is Verb.USED and each.effect in writers}
        kept, left_out = self.statements - reads, set()
        order = [Verb.GENERATED, Verb.ASSOCIATED_WITH, Verb.DERIVED_FROM, Verb.USED]
        named = {each for each in facts.statements if each.verb is Verb.ALTERNATE_OF}
        edges = (facts.statements - named) | reads
        # Most often nothing closes a circle; to look edge by edge takes long for many.
        doubtful = edges if _has_cycle(kept | edges) else ()
        for each in sorted(doubtful, key=lambda each: (order.index(each.verb), each.sentence)):
            if _has_cycle(kept | {each}):
                left_out.add(each)
            else:
                kept = kept | {each}
        self.statements -= left_out
        notes = {NodeFact(each.owner, Role.ACTIVITY, "run", frozenset({each.left_out})) for each in left_out}
        self.record(Facts(facts.nodes | notes, facts.statements - left_out, facts.columns))

    def left_out_of(self, uri):
        """Return the edges of a node that were left out."""
        return {value for fact in self.nodes.get(uri, ()) for name, value in fact.attributes if name == LEFT_OUT}

    def _held(self):
        return {uri: self._node(uri) for uri in self.nodes}, self.statements, frozenset(self.column_facts)

    def facts(self, uris):
        nodes = merge_nodes(fact for uri in uris for fact in self.nodes.get(uri, ()))
        known = {node.uri for node in nodes}
        named = {replace(node, attributes=frozenset(self._with_state(node.uri, node.attributes))) for node in nodes}
        statements = frozenset(s for s in self.statements if {s.effect, s.cause} <= known)
        return Facts(
            frozenset(named), statements, frozenset(c for c in self.column_facts if {c.effect, c.cause} <= known)
        )

    def columns(self, uris):
        found = {each for each in self.column_facts if each.effect in uris or each.cause in uris}
        return tuple(sorted(found, key=astuple))

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
        failed = [node.uri for node in walk.nodes if node.kind == "run" and node.attributes.get("state") in FAILED]
        return Tally(what.start, dict(Counter(node.kind for node in walk.nodes)), named, walk.truncated, tuple(failed))

    def page(self, what, kinds, after, limit):
        walk = self.walk(what.start, what.direction, what.max_nodes, what.depth)
        nodes = walk.nodes if walk else ()
        return tuple(node for node in nodes if node.uri > after and (not kinds or node.kind in kinds))[:limit]

    def find(self, prefix, limit, after=""):
        return tuple(sorted(uri for uri in self.nodes if uri.startswith(prefix) and uri > after))[:limit]

    def with_digest(self, beginning, limit):
        claimed = ((uri, claim) for uri, held in self.digests.items() for claims in held.values() for claim in claims)
        return tuple(sorted({uri for uri, claim in claimed if claim.startswith(beginning)}))[:limit]

    def conflicts(self, uris=None):
        return tuple(
            DigestConflict(uri, claims[0], tuple(sorted(set(claims[1:]) - {claims[0]})), self._sources(uri))
            for uri, held in sorted(self.digests.items())
            for _, claims in sorted(held.items())
            if len(set(claims)) > 1 and (uris is None or uri in uris)
        )

    def _node(self, uri):
        facts = self.nodes[uri]
        values: dict[str, list[str]] = {}
        stated = {pair for fact in facts for pair in fact.attributes}
        for name, value in sorted(self._with_state(uri, stated)):
            values.setdefault(name, []).append(value)
        used = [claims[0] for claims in self.digests.get(uri, {}).values()]
        return Node(
            uri,
            facts[0].role,
            min(fact.kind for fact in facts),
            max(used, default=None),
            {name: " | ".join(given) for name, given in values.items()},
            min((fact.started for fact in facts if fact.started), default=None),
            max((fact.ended for fact in facts if fact.ended), default=None),
        )

    def _with_state(self, uri, stated):
        if uri not in self.states:
            return stated
        return {pair for pair in stated if pair[0] != "state"} | {("state", self.states[uri].value)}

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

    def _sources(self, uri):
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


def _has_cycle(statements):
    return bool(_on_cycles(statements))


def _refuse_cycle(statements):
    if left := _on_cycles(statements):
        raise CycleRefused([s.sentence for s in sorted(left, key=lambda s: s.sentence)])


def _on_cycles(statements):
    left = {each for each in statements if each.verb is not Verb.ALTERNATE_OF}
    while left:
        effects = {s.effect for s in left}
        free = {s for s in left if s.cause not in effects}
        if not free:
            break
        left -= free
    return left
