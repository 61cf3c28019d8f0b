"""What a token allows: which namespaces it may write to, what it may state, whether it may ask, what it may report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from handrail.errors import InvalidInput
from handrail.lineage.domain.errors import OutOfScope
from handrail.lineage.domain.events import DatasetAt, LineageEvent
from handrail.lineage.domain.facts import Facts, NodeFact
from handrail.lineage.domain.names import UNSHOWABLE
from handrail.lineage.domain.vocabulary import Role, Verb

MAX_NAMESPACE = 600


class May(Enum):
    """What the holder of a token may do.

    Of lineage: ask, send anything, or state one verb only. Of feedback: record predictions, or report outcomes.
    """

    ASK = "ask"
    SEND = "send"
    USED = "used"
    GENERATED = "generated"
    DERIVED_FROM = "derived_from"
    ASSOCIATED_WITH = "associated_with"
    PREDICT = "predict"
    REPORT = "report"


_NO_STATEMENTS = frozenset({May.ASK, May.PREDICT, May.REPORT})


@dataclass(frozen=True, slots=True)
class TokenScope:
    """What a token allows; by default everything about lineage, as before there were scopes, and nothing else.

    `namespaces` bound the jobs and outputs of what is sent, by the namespace or the beginning of a URI; none are no
    bound. Inputs may lie anywhere. `associated_with` is about people and services; the job of a run needs no verb.
    `kinds` and `sources` bound the outcomes that are reported; none are no bound.
    """

    may: frozenset[May] = frozenset({May.ASK, May.SEND})
    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_reports()
        for namespace in self.namespaces:
            if not namespace.strip("/") or len(namespace) > MAX_NAMESPACE or UNSHOWABLE.search(namespace):
                problem = f"{namespace[:60]!r} is not a namespace"
                raise InvalidInput(
                    "namespace", problem, "Write one as producers send it, such as s3://lake or airflow."
                )

    def check_question(self, holder: str) -> None:
        """Refuse a question that the token does not allow.

        Raises:
            OutOfScope: its holder may not ask.
        """
        if May.ASK not in self.may:
            raise OutOfScope("Asking", holder, "ask", "--may ask")

    def check_prediction(self, holder: str) -> None:
        """Refuse predictions that the token does not allow.

        Raises:
            OutOfScope: its holder may not record any.
        """
        if May.PREDICT not in self.may:
            raise OutOfScope("Recording predictions", holder, "record predictions", "--may predict")

    def check_report(self, holder: str) -> None:
        """Refuse outcomes that the token does not allow, whatever they are.

        Raises:
            OutOfScope: its holder may not report any.
        """
        if May.REPORT not in self.may:
            raise OutOfScope("Reporting", holder, "report outcomes", "--may report")

    def check_outcome(self, kind: str, source: str, holder: str) -> None:
        """Refuse an outcome of a kind or a source for which the token was not made.

        Raises:
            OutOfScope: its holder may not report it.
        """
        self.check_report(holder)
        if self.kinds and kind not in self.kinds:
            raise OutOfScope("Reporting", holder, f"report the kind {kind!r}", f"--feedback-kind {kind}")
        if self.sources and source not in self.sources:
            raise OutOfScope("Reporting", holder, f"report as {source!r}", f"--feedback-source {source}")

    def check_event(self, event: LineageEvent, stated: Facts, holder: str) -> None:
        """Refuse an event that the token does not allow; `stated` are its facts.

        Raises:
            OutOfScope: its holder may not state this, or not about these things.
        """
        self._check_verbs(stated, holder)
        for names in _written(event) if self.namespaces else ():
            if not any(_covers(namespace, name) for namespace in self.namespaces for name in names):
                raise OutOfScope("Sending", holder, f"write {names[0]!r}", f"--namespace {names[0]}")

    def _check_reports(self) -> None:
        for name, allowed in (("kind", self.kinds), ("source", self.sources)):
            if allowed and May.REPORT not in self.may:
                raise InvalidInput(name, "the token may not report at all", "Add --may report.")
            for each in allowed:
                if not each or len(each) > MAX_NAMESPACE or not each.isprintable():
                    raise InvalidInput(name, f"{each[:60]!r} is not the name of a {name}", "Write it as it is sent.")

    def _check_verbs(self, stated: Facts, holder: str) -> None:
        if May.SEND in self.may:
            return
        agents = {node.uri for node in stated.nodes if node.role is Role.AGENT}
        named = [each for each in stated.statements if each.verb is not Verb.ASSOCIATED_WITH or each.cause in agents]
        for verb in sorted({each.verb for each in named}):
            if May(verb.word) not in self.may:
                raise OutOfScope("Sending", holder, f"state {verb.word!r}", f"--may {verb.word}")
        if self.may <= _NO_STATEMENTS:
            raise OutOfScope("Sending", holder, "send", "--may send")


def _written(event: LineageEvent) -> Iterator[tuple[str, ...]]:
    """Return the names of each thing that an event says something of beyond that it was read."""
    content = event.content
    if content is not None and content.activity is not None:
        yield (content.activity.uri,)
    elif content is None and event.job is not None:
        yield event.job.namespace, event.job.uri
    for dataset in (*event.outputs, *event.datasets):
        yield _names(dataset)
    read = [dataset.declared for dataset in event.inputs if dataset.declared is not None]
    partners = content.partners if content is not None else event.run.partners if event.run is not None else ()
    yield from ((node.uri,) for node in (*read, *partners) if _is_described(node))


def _is_described(node: NodeFact) -> bool:
    return bool(node.attributes or node.started or node.ended)


def _names(dataset: DatasetAt) -> tuple[str, ...]:
    return (dataset.uri,) if dataset.declared is not None else (dataset.namespace, dataset.uri)


def _covers(namespace: str, name: str) -> bool:
    beginning = namespace.rstrip("/")
    return name.startswith(beginning) and name[len(beginning) :][:1] in ("", "/", "@")
