"""Facts divided into contents of events: what one activity did, or what one artifact was derived from.

No artifact is at both ends of a content. One event gives a digest for one end of an edge only, so one event alone
cannot prove an edge.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from handrail.lineage.domain.facts import ColumnFact, Facts, NodeFact, Statement
from handrail.lineage.domain.vocabulary import Role, Verb


@dataclass(frozen=True, slots=True)
class End:
    """An artifact at one end of a content, with its digests as the source knows them.

    `agreed` is a digest that the source compared with the artifact at the other end and found equal there. `alternates`
    are other names of the same thing, `columns` what its columns came from.
    """

    node: NodeFact
    digests: tuple[str, ...] = ()
    agreed: str = ""
    alternates: tuple[NodeFact, ...] = ()
    columns: tuple[ColumnFact, ...] = ()


@dataclass(frozen=True, slots=True)
class EventContent:
    """What one event can say: what an activity used and made, or, without an activity, what its outputs came from.

    `partners` are the agents and activities that the activity is associated with. A content with neither activity nor
    inputs says that its outputs exist.
    """

    activity: NodeFact | None = None
    inputs: tuple[End, ...] = ()
    outputs: tuple[End, ...] = ()
    partners: tuple[NodeFact, ...] = ()
    asserted_by: str = ""

    @property
    def is_derivation(self) -> bool:
        """Whether the outputs were derived from the inputs."""
        return self.activity is None and bool(self.inputs)

    @property
    def derivations(self) -> int:
        """How many statements a derivation makes: each output was derived from each input, by each of their digests."""
        if not self.is_derivation:
            return 0
        return math.prod(sum(max(1, len(end.digests)) for end in ends) for ends in (self.inputs, self.outputs))


def facts_of(content: EventContent, asserted_by: str) -> Facts:
    """Return the facts of a content, asserted by `asserted_by`."""
    ends = (*content.inputs, *content.outputs)
    columns = frozenset(replace(each, asserted_by=asserted_by) for end in ends for each in end.columns)
    nodes = {node for end in ends for node in (end.node, *end.alternates)} | {*content.partners}
    named = frozenset(_alternates(ends, asserted_by))
    if content.activity is None:
        return Facts(frozenset(nodes), named.union(_derivations(content, asserted_by)), columns)
    stated = named.union(_actions(content.activity, content, asserted_by))
    return Facts(frozenset(nodes | {content.activity}), stated, columns)


def contents_of(facts: Facts) -> tuple[EventContent, ...]:
    """Return contents that have all facts, in an order that depends on the facts alone.

    An agent that no activity is associated with is left out: no content can have it.
    """
    nodes = {node.uri: node for node in merge_nodes(facts.nodes)}
    groups: dict[tuple[str, str, str], list[Statement]] = defaultdict(list)
    for each in facts.statements:
        if each.verb is not Verb.ALTERNATE_OF:
            groups[_key(each)].append(each)
    contents = [content for key in sorted(groups) for content in _contents(key, groups[key], nodes)]
    contents += _names(facts.statements, nodes)
    contents += _columns(facts.columns, nodes)
    known = {end.node.uri for content in contents for end in (*content.inputs, *content.outputs)}
    known |= {node.uri for content in contents for node in (content.activity, *content.partners) if node}
    alone = [node for uri, node in sorted(nodes.items()) if uri not in known]
    return (
        *contents,
        *(EventContent(activity=node) for node in alone if node.role is Role.ACTIVITY),
        *(EventContent(outputs=(End(node),)) for node in alone if node.role is Role.ARTIFACT),
    )


def merge_nodes(nodes: Iterable[NodeFact]) -> tuple[NodeFact, ...]:
    """Return one fact for each URI: attributes united, times widened, the smallest kind, as a store has them."""
    merged: dict[str, NodeFact] = {}
    for fact in sorted(nodes, key=lambda fact: (fact.uri, fact.role, fact.kind)):
        held = merged.get(fact.uri, fact)
        merged[fact.uri] = replace(
            held,
            kind=min(held.kind, fact.kind),
            attributes=held.attributes | fact.attributes,
            started=min(filter(None, (held.started, fact.started)), default=None),
            ended=max(filter(None, (held.ended, fact.ended)), default=None),
        )
    return tuple(merged.values())


def _alternates(ends: Iterable[End], asserted_by: str) -> Iterator[Statement]:
    """Say of each two names that each is another name of the other: a walk then finds both from either."""
    for end in ends:
        for other in end.alternates:
            yield Statement(end.node.uri, other.uri, Verb.ALTERNATE_OF, asserted_by)
            yield Statement(other.uri, end.node.uri, Verb.ALTERNATE_OF, asserted_by)


def _names(statements: Iterable[Statement], nodes: Mapping[str, NodeFact]) -> Iterator[EventContent]:
    """Return a content for each artifact with other names; each pair of names is in one of them."""
    others: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in statements:
        if each.verb is Verb.ALTERNATE_OF and each.effect < each.cause:
            others[each.effect, each.asserted_by].append(each.cause)
    for (uri, asserted_by), names in sorted(others.items()):
        held = End(nodes[uri], alternates=tuple(nodes[name] for name in sorted(names)))
        yield EventContent(outputs=(held,), asserted_by=asserted_by)


def _columns(facts: Iterable[ColumnFact], nodes: Mapping[str, NodeFact]) -> Iterator[EventContent]:
    """Return a content for each artifact of which is known what its columns came from."""
    held: dict[tuple[str, str], list[ColumnFact]] = defaultdict(list)
    for each in facts:
        held[each.effect, each.asserted_by].append(each)
    for (uri, asserted_by), columns in sorted(held.items()):
        order = sorted(columns, key=lambda each: (each.column, each.cause, each.source, each.how))
        yield EventContent(outputs=(End(nodes[uri], columns=tuple(order)),), asserted_by=asserted_by)


def _derivations(content: EventContent, asserted_by: str) -> Iterable[Statement]:
    for out in content.outputs:
        for cause in content.inputs:
            for made in out.digests or ("",):
                for took in cause.digests or ("",):
                    yield Statement(
                        out.node.uri, cause.node.uri, Verb.DERIVED_FROM, asserted_by, made, took, cause.agreed
                    )


def _actions(activity: NodeFact, content: EventContent, asserted_by: str) -> Iterable[Statement]:
    for cause in content.inputs:
        for took in cause.digests or ("",):
            yield Statement(activity.uri, cause.node.uri, Verb.USED, asserted_by, "", took, cause.agreed)
    for out in content.outputs:
        for made in out.digests or ("",):
            yield Statement(out.node.uri, activity.uri, Verb.GENERATED, asserted_by, made, "", out.agreed)
    for partner in content.partners:
        yield Statement(activity.uri, partner.uri, Verb.ASSOCIATED_WITH, asserted_by)


def _key(each: Statement) -> tuple[str, str, str]:
    """Return what statements of one content share: the activity, or the effect with its digest; and who says so."""
    if each.verb is Verb.DERIVED_FROM:
        return each.effect, each.asserted_by, each.effect_digest or "-"
    return (each.cause if each.verb is Verb.GENERATED else each.effect), each.asserted_by, ""


def _contents(
    key: tuple[str, str, str], statements: Sequence[Statement], nodes: Mapping[str, NodeFact]
) -> Iterable[EventContent]:
    subject, asserted_by, made = key
    inputs = _layers([each for each in statements if each.verb in (Verb.USED, Verb.DERIVED_FROM)], nodes)
    if made:
        held = End(nodes[subject], () if made == "-" else (made,))
        return [EventContent(None, layer, (held,), asserted_by=asserted_by) for layer in inputs]
    outputs = _layers([each for each in statements if each.verb is Verb.GENERATED], nodes)
    partners = tuple(
        nodes[uri] for uri in sorted(each.cause for each in statements if each.verb is Verb.ASSOCIATED_WITH)
    )
    return [
        EventContent(
            nodes[subject],
            inputs[place] if place < len(inputs) else (),
            outputs[place] if place < len(outputs) else (),
            () if place else partners,
            asserted_by,
        )
        for place in range(max(len(inputs), len(outputs), 1))
    ]


def _layers(statements: Sequence[Statement], nodes: Mapping[str, NodeFact]) -> list[tuple[End, ...]]:
    """Return the ends that statements name, each artifact at most once in a layer; usually there is one layer.

    Digests that agree with nothing, or with the same, are one end; a statement without a digest is an end by itself.
    """
    ends: dict[str, dict[tuple[str, bool], set[str]]] = defaultdict(lambda: defaultdict(set))
    for each in statements:
        made = each.verb is Verb.GENERATED
        digest = each.effect_digest if made else each.cause_digest
        ends[each.effect if made else each.cause][each.agreed, bool(digest)].add(digest)
    layers: list[list[End]] = [[] for _ in range(max(map(len, ends.values()), default=0))]
    for uri, groups in sorted(ends.items()):
        for place, ((agreed, known), digests) in enumerate(sorted(groups.items())):
            layers[place].append(End(nodes[uri], tuple(sorted(digests)) if known else (), agreed))
    return [tuple(layer) for layer in layers]
