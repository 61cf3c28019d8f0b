"""What callers record: nodes, and statements between them. Facts are sets; their order and number mean nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from handrail.errors import InvalidInput
from handrail.lineage.domain.names import check_digest, check_uri, kind_of
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.refs import ArtifactVersion

MAX_NAME = 600
LEFT_OUT = "left_out"
"""The attribute that names an edge of a node which is not in the graph, as `used s3://lake/orders`."""


@dataclass(frozen=True, slots=True)
class NodeFact:
    """That a node exists. Of several facts on one URI attributes unite, times widen, the smallest kind stays."""

    uri: str
    role: Role
    kind: str
    attributes: frozenset[tuple[str, str]] = frozenset()
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """That an effect has a cause, and who says so.

    `effect_digest` and `cause_digest` are the digests of these two artifacts as the asserter knows them; `agreed` is a
    digest that the asserter compared and found equal on both sides (of a part and of its place in the whole). Empty
    texts mean unknown.
    """

    effect: str
    cause: str
    verb: Verb
    asserted_by: str
    effect_digest: str = ""
    cause_digest: str = ""
    agreed: str = ""

    @property
    def sentence(self) -> str:
        """The statement in words."""
        return f"{self.effect} {self.verb.phrase} {self.cause}"

    @property
    def owner(self) -> str:
        """The URI of what the statement is mainly about: an activity, else the effect."""
        return self.cause if self.verb is Verb.GENERATED else self.effect

    @property
    def owners(self) -> set[str]:
        """The owner, and the plan that it follows."""
        return {self.owner, self.cause} if self.verb is Verb.ASSOCIATED_WITH else {self.owner}

    @property
    def left_out(self) -> tuple[str, str]:
        """The attribute that the owner gets where the edge is left out, because it would close a circle."""
        return LEFT_OUT, f"{self.verb.word} {self.effect if self.verb is Verb.GENERATED else self.cause}"


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """That a column of an artifact came from a column of another; `how` is the transformation, as `DIRECT:IDENTITY`.

    An empty `column` is the whole artifact: it was filtered, joined or sorted by the other column. An empty `source` is
    the whole other artifact.
    """

    effect: str
    column: str
    cause: str
    source: str
    how: str = ""
    asserted_by: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Nodes, statements and columns that are recorded together or not at all; both ends of a column are nodes."""

    nodes: frozenset[NodeFact] = frozenset()
    statements: frozenset[Statement] = frozenset()
    columns: frozenset[ColumnFact] = frozenset()

    def __or__(self, other: Facts) -> Facts:
        return Facts(self.nodes | other.nodes, self.statements | other.statements, self.columns | other.columns)

    @staticmethod
    def union(parts: Iterable[Facts]) -> Facts:
        """Return all facts of `parts`."""
        nodes: set[NodeFact] = set()
        statements: set[Statement] = set()
        columns: set[ColumnFact] = set()
        for part in parts:
            nodes |= part.nodes
            statements |= part.statements
            columns |= part.columns
        return Facts(frozenset(nodes), frozenset(statements), frozenset(columns))


@dataclass(frozen=True, slots=True)
class ActivityDetails:
    """What else is known about an activity; `asserted_by` names the tool that reports it.

    `within` are URIs of activities that it is part of: the flow run of a task run, the plan that a run follows.
    """

    started: datetime | None = None
    ended: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    asserted_by: str = "handrail"
    within: Sequence[str] = ()


def describe_activity(
    activity: NodeFact,
    used: Sequence[ArtifactVersion],
    generated: Sequence[ArtifactVersion],
    agents: Sequence[str],
    asserted_by: str,
) -> Facts:
    """State what an activity used and generated, and who answers for it.

    Raises:
        InvalidInput: a URI, a digest or a moment cannot be used.
    """
    nodes = {activity, *map(_fact, used), *map(_fact, generated), *map(_agent, agents)}
    return _checked(
        nodes,
        [Statement(activity.uri, a.uri, Verb.USED, asserted_by, cause_digest=a.digest or "") for a in used]
        + [Statement(a.uri, activity.uri, Verb.GENERATED, asserted_by, effect_digest=a.digest or "") for a in generated]
        + [Statement(activity.uri, agent, Verb.ASSOCIATED_WITH, asserted_by) for agent in agents],
    )


def describe_artifact(artifact: ArtifactVersion) -> Facts:
    """State attributes of an artifact, and nothing about how it came to be.

    Raises:
        InvalidInput: its URI or an attribute cannot be used.
    """
    return _checked({_fact(artifact)}, [])


def describe_use(activity: NodeFact, used: ArtifactVersion, asserted_by: str, agreed: str | None = None) -> Facts:
    """State that an activity used `used`; `agreed` is a digest that was compared on both sides.

    Raises:
        InvalidInput: a URI or a digest cannot be used.
    """
    statement = Statement(activity.uri, used.uri, Verb.USED, asserted_by, "", used.digest or "", agreed or "")
    return _checked({activity, _fact(used)}, [statement])


def describe_membership(part: str, wholes: Sequence[str], asserted_by: str) -> Facts:
    """State which activities an activity is part of.

    Raises:
        InvalidInput: a URI cannot be used.
    """
    return _checked(
        map(activity_fact, [part, *wholes] if wholes else []),
        [Statement(part, whole, Verb.ASSOCIATED_WITH, asserted_by) for whole in wholes],
    )


def describe_derivation(
    effect: ArtifactVersion, cause: ArtifactVersion, asserted_by: str, agreed: str | None = None
) -> Facts:
    """State that `effect` was derived from `cause`; `agreed` is a digest that was compared on both sides.

    Raises:
        InvalidInput: a URI or a digest cannot be used.
    """
    statement = Statement(
        effect.uri, cause.uri, Verb.DERIVED_FROM, asserted_by, effect.digest or "", cause.digest or "", agreed or ""
    )
    return _checked({_fact(effect), _fact(cause)}, [statement])


def activity_fact(uri: str, kind: str | None = None, details: ActivityDetails | None = None) -> NodeFact:
    """Return the node of an activity."""
    details = details or ActivityDetails()
    return NodeFact(
        uri,
        Role.ACTIVITY,
        kind or kind_of(uri),
        _pairs(details.attributes),
        _utc("started", details.started),
        _utc("ended", details.ended),
    )


def _fact(artifact: ArtifactVersion) -> NodeFact:
    return NodeFact(artifact.uri, Role.ARTIFACT, artifact.kind, _pairs(artifact.attributes))


def _agent(uri: str) -> NodeFact:
    if not uri.startswith("actor://"):
        raise InvalidInput("agents", f"{uri!r} is not an agent", "Write actor://<identity provider>/<subject>.")
    return NodeFact(uri, Role.AGENT, "actor")


def _pairs(attributes: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((str(name), str(value)) for name, value in attributes.items())


def _utc(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise InvalidInput(name, f"{moment.isoformat()!r} has no time zone", "Give an aware moment, best in UTC.")
    return moment.astimezone(UTC) if moment else None


def _checked(nodes: Iterable[NodeFact], statements: Sequence[Statement]) -> Facts:
    return check_facts(Facts(frozenset(nodes), frozenset(statements)))


def check_facts(facts: Facts) -> Facts:
    """Return `facts` if they can be stored.

    Raises:
        InvalidInput: a URI, a digest or an attribute cannot be used.
    """
    for node in facts.nodes:
        check_uri("uri", node.uri)
        if any("\x00" in name + value for name, value in node.attributes) or "\x00" in node.kind:
            raise InvalidInput("attributes", f"{node.uri!r} has one with a null character", "Leave it out.")
        if any(len(name) > MAX_NAME for name, _ in node.attributes):
            raise InvalidInput(
                "attributes", f"{node.uri!r} has one with a very long name", f"Use at most {MAX_NAME} characters."
            )
    for statement in facts.statements:
        for digest in (statement.effect_digest, statement.cause_digest, statement.agreed):
            if digest:
                check_digest("digest", digest)
    return facts
