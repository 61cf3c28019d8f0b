"""Title and note of a station, from what the graph alone knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from handrail.entrypoints.answers.names import listed, name_at, name_of
from handrail.entrypoints.answers.words import counted
from handrail.lineage import Edge, Step, Trace, Verb

REGISTERED_BY = "registered_by"


def _version(step: Step, trace: Trace) -> tuple[str, str]:
    by = step.node.attributes.get(REGISTERED_BY)
    title = name_of(step.node) + (f", registered by {name_at(by)}" if by else "")
    trees = [edge.cause for edge in trace.edges if edge.effect == step.node.uri and edge.cause.startswith("tree://")]
    return title, "Its digest is that of the whole tree of its files." if trees else ""


def _bento(step: Step, trace: Trace) -> tuple[str, str]:
    tree = [edge for edge in trace.edges if edge.effect == step.node.uri and edge.cause.startswith("tree://")]
    if tree and all(edge.proven for edge in tree):
        return name_of(step.node), "It carries the tree of the model unchanged."
    return name_of(step.node), ""


def _run(step: Step, trace: Trace) -> tuple[str, str]:
    node = step.node
    facts = [
        f"{word} {node.attributes[name]}"
        for name, word in (("experiment", "experiment"), ("status", "status"), ("state", "state"))
        if name in node.attributes
    ]
    who = [name_at(edge.cause) for edge in _by(trace, node.uri)]
    if who:
        facts.append(f"by {listed(who)}")
    if node.attributes.get("git_dirty") == "true":
        facts.append("with changes that no commit has")
    number = f" ({name_at(node.uri)})" if node.attributes.get("run_name") else ""
    return f"{name_of(node)}{number}", f"{', '.join(facts)[:1].upper()}{', '.join(facts)[1:]}." if facts else ""


def _by(trace: Trace, uri: str) -> Iterator[Edge]:
    for edge in trace.edges:
        if edge.effect == uri and edge.verb is Verb.ASSOCIATED_WITH and edge.cause.startswith("actor://"):
            yield edge


def _training_data(step: Step, trace: Trace) -> tuple[str, str]:
    paths = [name_of(node) for node in step.nodes]
    rows = rows_learned(trace)
    learned = f"{counted(rows, 'row')} in {listed(paths)}" if rows else listed(paths)
    return learned, _inside(step)


def rows_learned(trace: Trace) -> int:
    """Return how many rows the nearest run says that it learned from."""
    for node in trace.nodes:
        for name, value in node.attributes.items():
            learned = name.startswith("input.") and name.endswith(".context") and value == "training"
            rows = node.attributes.get(f"{name.removesuffix('.context')}.rows", "") if learned else ""
            if rows.isdigit():
                return int(rows)
    return 0


def _features(step: Step, trace: Trace) -> tuple[str, str]:
    del trace
    views = [name_of(node) for node in step.nodes if node.kind == "feature-view"]
    if step.node.kind != "feature-service":
        return listed(views), ""
    return f"{name_of(step.node)}, {counted(len(views), 'feature view')}", f"{listed(views, 10)}." if views else ""


def _validation(step: Step, trace: Trace) -> tuple[str, str]:
    del trace
    known: Mapping[str, str] = step.node.attributes
    evaluated, successful = known.get("evaluated", ""), known.get("successful", "")
    more = f" Beside it {counted(len(step.nodes) - 1, 'other validation')}." if len(step.nodes) > 1 else ""
    if not (evaluated.isdigit() and successful.isdigit()):
        return f"Checked: {name_of(step.node)}", more.strip()
    unmet = int(evaluated) - int(successful)
    result = f"{unmet:,} not met" if unmet else "all met"
    not_met = f"Not met: {known['unmet']}." if known.get("unmet") else ""
    return f"{counted(int(evaluated), 'expectation')}, {result}", f"{not_met}{more}".strip()


def _raw(step: Step, trace: Trace) -> tuple[str, str]:
    del trace
    return listed([name_of(node) for node in step.nodes]), _inside(step)


def _commit(step: Step, trace: Trace) -> tuple[str, str]:
    del trace
    others = [name_of(node) for node in step.nodes[1:]]
    return name_of(step.node), f"Also on the way: {listed(others)}." if others else ""


def plain(step: Step, trace: Trace) -> tuple[str, str]:
    """Return the name of a thing, and how many files it has."""
    del trace
    return name_of(step.node), _inside(step)


def _inside(step: Step) -> str:
    return f"{counted(step.parts, 'file')}." if step.parts else ""


# Of what is not here, the name is the title.
WRITERS: Mapping[str, Callable[[Step, Trace], tuple[str, str]]] = {
    "model-version": _version,
    "bento": _bento,
    "run": _run,
    "training-data": _training_data,
    "features": _features,
    "validation": _validation,
    "raw-data": _raw,
    "git-commit": _commit,
}
