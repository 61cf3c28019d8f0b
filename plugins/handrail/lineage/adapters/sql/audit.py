"""Looks for flaws in the tables of lineage: a query for each kind returns the URIs and what is wrong.

Circles, of any length, are looked for in memory. None can be recorded, so each was written past Handrail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import edge, event, node, node_id, to_text
from handrail.lineage.domain.authority import AUTHORITIES, GATE
from handrail.lineage.domain.circles import find_core, find_rings, find_way_around, neighbours_of
from handrail.lineage.domain.flaws import Flaw
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.lineage.ports import GraphAudit
from handrail.storage import Store

FETCHED = 5_000
SHOWN = 8
_ARTIFACT, _ACTIVITY, _AGENT = map(int, Role)
_USED, _GENERATED, _DERIVED, _ASSOCIATED, _ALTERNATE = map(int, Verb)


def _lacks(kind: str, condition: str, verb: int | None = None, cause: str = "") -> str:
    """Return a query for nodes of a kind that have no edge to a cause of another kind."""
    verbs = f" and e.verb = {verb}" if verb else ""
    causes = f" join lineage_node c on c.id = e.cause and c.kind = '{cause}'" if cause else ""
    return (
        f"select n.uri, '{condition}' from lineage_node n where n.kind = '{kind}' and not exists "
        f"(select 1 from lineage_edge e{causes} where e.effect = n.id{verbs})"
    )


_QUERIES = {
    "run-without-data": f"""
        select n.uri, 'it neither read nor made anything' from lineage_node n
        where n.role = {_ACTIVITY} and n.kind not in ('job', 'flow-deployment')
        and (n.kind not in ('flow-run', 'task-run')
        or exists (select 1 from lineage_attribute a where a.node = n.id and a.name = 'recorded'))
        and not exists (select 1 from lineage_edge e where e.effect = n.id and e.verb = {_USED})
        and not exists (select 1 from lineage_edge e where e.cause = n.id and e.verb = {_GENERATED})""",
    "run-never-ended": """
        select 'openlineage-run://' || run_id, 'it began at ' || started || ' and has no end'
        from lineage_run where state_rank < 2 and started < :overdue""",
    "run-without-start": """
        select 'openlineage-run://' || run_id, 'it ended at ' || ended || ', but no start was received'
        from lineage_run where ended is not null and started is null""",
    "ends-before-it-starts": """
        select uri, 'it began at ' || started || ' and ended at ' || ended from lineage_node where ended < started""",
    "run-of-two-jobs": f"""
        select n.uri, 'it belongs to ' || min(j.uri) || ' and to ' || max(j.uri)
        from lineage_edge e join lineage_node n on n.id = e.effect join lineage_node j on j.id = e.cause
        where e.verb = {_ASSOCIATED} and n.kind = 'run' and j.kind = 'job' group by n.uri having count(*) > 1""",
    "job-without-data": f"""
        select n.uri, 'no run follows it and it reads and makes nothing' from lineage_node n where n.kind = 'job'
        and not exists (select 1 from lineage_edge e where e.cause = n.id)
        and not exists (select 1 from lineage_edge e where e.effect = n.id and e.verb = {_USED})""",
    "unknown-parent": """
        select n.uri, 'its parent ' || a.value || ' is not known' from lineage_attribute a
        join lineage_node n on n.id = a.node where n.kind = 'run' and a.name = 'parent'
        and not exists (select 1 from lineage_node p where p.uri = a.value)""",
    "edge-to-nowhere": """
        select coalesce(n.uri, m.uri, 'node ' || e.effect), 'one end of an edge of it does not exist'
        from lineage_edge e left join lineage_node n on n.id = e.effect left join lineage_node m on m.id = e.cause
        where n.id is null or m.id is null""",
    "edge-by-nobody": """
        select n.uri, 'no source says that it came from ' || m.uri from lineage_edge e
        join lineage_node n on n.id = e.effect join lineage_node m on m.id = e.cause
        where not exists (select 1 from lineage_statement s
        where s.effect = e.effect and s.cause = e.cause and s.verb = e.verb)""",
    "statement-without-edge": """
        select coalesce(n.uri, 'node ' || s.effect), 'what ' || s.asserted_by || ' said of it has no edge'
        from lineage_statement s left join lineage_node n on n.id = s.effect
        where not exists (select 1 from lineage_edge e
        where s.effect = e.effect and s.cause = e.cause and s.verb = e.verb)""",
    "its-own-cause": """
        select n.uri, 'an edge leads from it to itself' from lineage_edge e
        join lineage_node n on n.id = e.effect where e.effect = e.cause""",
    "verb-does-not-fit": f"""
        select n.uri, 'a verb does not fit it and ' || m.uri from lineage_edge e
        join lineage_node n on n.id = e.effect join lineage_node m on m.id = e.cause
        where (e.verb = {_USED} and not (n.role = {_ACTIVITY} and m.role = {_ARTIFACT}))
        or (e.verb = {_GENERATED} and not (n.role = {_ARTIFACT} and m.role = {_ACTIVITY}))
        or (e.verb in ({_DERIVED}, {_ALTERNATE}) and not (n.role = {_ARTIFACT} and m.role = {_ARTIFACT}))
        or (e.verb = {_ASSOCIATED} and not (n.role = {_ACTIVITY} and m.role in ({_ACTIVITY}, {_AGENT})))""",
    "pointer-to-nowhere": """
        select name, 'since ' || "at" || ' it points at ' || target || ', which is not known' from lineage_pointer p
        where target <> '' and not exists (select 1 from lineage_node n where n.uri = p.target)""",
    "pointer-without-permit": """
        select name, 'it was moved by ' || "by" || ', which is not known' from lineage_pointer p
        where "by" like 'approval://%' and not exists (select 1 from lineage_node n where n.uri = p."by")""",
    "permit-without-decision": _lacks("permit", "no decision made it", _GENERATED, "promotion-decision"),
    "decision-without-approver": _lacks("promotion-decision", "no approver is known", _ASSOCIATED, "actor"),
    "decision-without-policy": _lacks("promotion-decision", "it names no policy", _USED, "policy"),
    "asserted-beside-the-gate": f"""
        select n.uri, s.asserted_by || ' asserts it of ' || m.uri || ', and about it only the gate can say that'
        from lineage_statement s join lineage_node n on n.id = s.effect join lineage_node m on m.id = s.cause
        where n.kind in ({", ".join(f"'{kind}'" for kind in AUTHORITIES)}) and s.asserted_by <> '{GATE}'
        and exists (select 1 from lineage_statement g where g.effect = s.effect and g.asserted_by = '{GATE}')
        and not exists (select 1 from lineage_statement g where g.effect = s.effect and g.cause = s.cause
        and g.verb = s.verb and g.asserted_by = '{GATE}')""",
    "model-without-run": _lacks("model-version", "no run made it", _GENERATED, "tracking-run"),
    "model-of-no-data": f"""
        select n.uri, 'it made a model, and nothing but code is known that it read' from lineage_node n
        where n.kind = 'tracking-run' and exists (select 1 from lineage_edge g join lineage_node m on m.id = g.effect
        where g.cause = n.id and g.verb = {_GENERATED} and m.kind in ('logged-model', 'model-version'))
        and not exists (select 1 from lineage_edge u join lineage_node d on d.id = u.cause
        where u.effect = n.id and u.verb = {_USED} and d.kind <> 'git-commit')""",
    # Only where Feast was read: a plain data set of MLflow has no source that could be known.
    "features-lead-nowhere": f"""
        select n.uri, 'it learned from ' || d.uri || ', of which no source is known, though Feast was read: read '
        || 'features inside the run, or log them under a new name with source=retrieval_of(frame)'
        from lineage_node n join lineage_edge u on u.effect = n.id and u.verb = {_USED}
        join lineage_node d on d.id = u.cause and d.kind = 'tracked-dataset'
        where n.kind = 'tracking-run' and not exists (select 1 from lineage_edge e where e.effect = d.id)
        and not exists (select 1 from lineage_edge f join lineage_node r on r.id = f.cause
        where f.effect = n.id and f.verb = {_USED} and r.kind in ('feature-rows', 'feature-retrieval', 'dvc-data'))
        and exists (select 1 from lineage_edge g join lineage_node m on m.id = g.effect
        where g.cause = n.id and g.verb = {_GENERATED} and m.kind in ('logged-model', 'model-version'))
        and exists (select 1 from lineage_node r where r.kind = 'feature-retrieval')""",
    "frame-is-not-its-file": """
        select n.uri, a.value from lineage_attribute a join lineage_node n on n.id = a.node
        where a.name like 'input.%.contradiction'""",
    "added-after-registration": """
        select n.uri, case n.kind when 'tracking-run' then 'a model of it' else 'it' end
        || ' was registered before this was added: ' || a.value
        from lineage_attribute a join lineage_node n on n.id = a.node
        where n.kind in ('tracking-run', 'model-version') and a.name = 'later'""",
    "model-without-tree": _lacks("model-version", "its bytes are not known", _DERIVED, "artifact-tree"),
    "tree-from-nowhere": _lacks("artifact-tree", "nothing led to it"),
    "bento-without-model": f"""
        select n.uri, 'its model is not known' from lineage_node n where n.kind = 'bento' and not exists
        (select 1 from lineage_edge e join lineage_node c on c.id = e.cause
        where e.effect = n.id and e.verb = {_DERIVED} and c.kind in ('artifact-tree', 'bento-model'))""",
    "deployment-without-bento": _lacks("deployment", "it serves no known bento and no known model", _DERIVED, "bento")
    + f""" and not exists (select 1 from lineage_edge s join lineage_node v on v.id = s.cause
        and v.kind = 'model-version' where s.effect = n.id and s.verb = {_DERIVED})""",
    # Where no permit exists, there is no gate that a bento could bypass.
    "bento-without-permit": _lacks("bento", "it carries no permit", _DERIVED, "permit")
    + " and exists (select 1 from lineage_node p where p.kind = 'permit')",
    "snapshot-without-deployment": _lacks("feedback-snapshot", "it is about no deployment", _DERIVED, "deployment"),
    "report-without-snapshot": _lacks("report", "it is a function of no snapshot", _DERIVED, "feedback-snapshot"),
    "validation-of-nothing": f"""
        select n.uri, 'no expectation was evaluated' from lineage_node n
        join lineage_attribute a on a.node = n.id and a.name = 'evaluated' and a.value = '0' where n.kind = 'validation'
        union select n.uri, 'its data is not known' from lineage_node n where n.kind = 'validation'
        and not exists (select 1 from lineage_edge e where e.effect = n.id and e.verb = {_DERIVED})
        and not exists (select 1 from lineage_edge e join lineage_edge u on u.effect = e.cause and u.verb = {_USED}
        where e.effect = n.id and e.verb = {_GENERATED})""",
    "data-from-nowhere": f"""
        select n.uri, 'a tool says it is the training set, but nothing led to it' from lineage_node n
        join lineage_attribute a on a.node = n.id and a.name = 'role' and a.value = 'training-set'
        where not exists (select 1 from lineage_edge e where e.effect = n.id and e.verb = {_GENERATED})""",
    "other-tree-than-the-bento": f"""
        select d.uri, 'it loaded ' || t.uri || ', which its bento ' || b.uri || ' does not carry'
        from lineage_node d join lineage_edge dt on dt.effect = d.id and dt.verb = {_DERIVED}
        join lineage_node t on t.id = dt.cause and t.kind = 'artifact-tree'
        join lineage_edge db on db.effect = d.id and db.verb = {_DERIVED}
        join lineage_node b on b.id = db.cause and b.kind = 'bento'
        where d.kind = 'deployment' and not exists
        (select 1 from lineage_edge bt where bt.effect = b.id and bt.cause = t.id and bt.verb = {_DERIVED})""",
    "other-tree-than-the-model": f"""
        select d.uri, 'it loaded ' || t.uri || ', which is not what ' || v.uri || ' holds'
        from lineage_node d join lineage_edge dt on dt.effect = d.id and dt.verb = {_DERIVED}
        join lineage_node t on t.id = dt.cause and t.kind = 'artifact-tree'
        join lineage_edge dv on dv.effect = d.id and dv.verb = {_DERIVED}
        join lineage_node v on v.id = dv.cause and v.kind = 'model-version'
        where d.kind = 'deployment' and exists (select 1 from lineage_edge e join lineage_node u on u.id = e.cause
        where e.effect = v.id and e.verb = {_DERIVED} and u.kind = 'artifact-tree') and not exists
        (select 1 from lineage_edge e where e.effect = v.id and e.cause = t.id and e.verb = {_DERIVED})""",
    "other-tree-than-the-permit": f"""
        select b.uri, 'it carries ' || t.uri || ', about which ' || p.uri || ' says nothing'
        from lineage_node b join lineage_edge bt on bt.effect = b.id and bt.verb = {_DERIVED}
        join lineage_node t on t.id = bt.cause and t.kind = 'artifact-tree'
        join lineage_edge bp on bp.effect = b.id and bp.verb = {_DERIVED}
        join lineage_node p on p.id = bp.cause and p.kind = 'permit'
        join lineage_edge pd on pd.effect = p.id and pd.verb = {_GENERATED}
        where b.kind = 'bento' and not exists
        (select 1 from lineage_edge dt where dt.effect = pd.cause and dt.cause = t.id and dt.verb = {_USED})""",
    "event-without-sender": """
        select 'event ' || event_id, 'it has no sender' from lineage_event v
        where not exists (select 1 from lineage_event_sender s where s.event_id = v.event_id)""",
    "queued-without-event": """
        select 'event ' || event_id, 'it waits for ' || sink || ', but is not there' from lineage_outbox o
        where not exists (select 1 from lineage_event v where v.event_id = o.event_id)""",
    "refused-by-a-sink": """
        select 'event ' || event_id, sink || ' refused it: ' || refused
        from lineage_outbox where refused is not null""",
}


class SqlAudit(GraphAudit):
    """The audit of the graph and of the event log."""

    def __init__(self, store: Store) -> None:
        """Look at `store`, whose tables exist."""
        self._store = store

    def flaws(self, overdue: datetime) -> tuple[Flaw, ...]:
        """Return every flaw; a run that began before `overdue` should have ended."""
        with self._store.read() as connection:
            return tuple(
                [
                    Flaw(kind, str(row[0]), str(row[1]))
                    for kind, query in _QUERIES.items()
                    for row in _rows(connection, query, overdue)
                ]
                + [*_wrong_ids(connection), *_wrong_events(connection), *circles(connection)]
            )

    def is_empty(self) -> bool:
        """Return whether nothing at all is stored."""
        with self._store.read() as connection:
            return connection.execute(sa.select(node.c.id).limit(1)).first() is None


def _rows(connection: Connection, query: str, overdue: datetime) -> Any:
    values = {"overdue": to_text(overdue)} if ":overdue" in query else {}
    return connection.execute(sa.text(query), values)


def circles(connection: Connection) -> Iterator[Flaw]:
    """Return a flaw for each set of things that lead to one another, with a shortest way around.

    An edge from a thing to itself is a flaw of another kind.
    """
    query = sa.select(edge.c.effect, edge.c.cause).distinct().where(edge.c.effect != edge.c.cause)
    query = query.where(edge.c.verb != _ALTERNATE)
    rows = connection.execute(query.execution_options(yield_per=FETCHED))
    core = sorted(find_core((effect, cause) for effect, cause in rows))
    causes, _ = neighbours_of(core)
    for ring in find_rings(core):
        yield _flaw(connection, find_way_around(ring, causes), len(ring))


def _flaw(connection: Connection, way: Sequence[int], size: int) -> Flaw:
    query = sa.select(node.c.id, node.c.uri).where(node.c.id.in_(way[: SHOWN + 1]))
    uris = {row.id: row.uri for row in connection.execute(query)}
    names = [uris.get(each, f"node {each}") for each in way[: SHOWN + 1]]
    more = [f"{len(way) - len(names)} more"] if len(way) > len(names) else []
    chain = " from ".join([*names[1:], *more, names[0]])
    return Flaw("circle", names[0], f"it is one of {size} things that lead to one another: it came from {chain}")


def _wrong_ids(connection: Connection) -> Iterator[Flaw]:
    query = sa.select(node.c.id, node.c.uri).execution_options(yield_per=FETCHED)
    for row in connection.execute(query):
        if node_id(row.uri) != row.id:
            yield Flaw("wrong-id", row.uri, f"it is kept under {row.id}, which is not the id of its name")


def _wrong_events(connection: Connection) -> Iterator[Flaw]:
    query = sa.select(event.c.event_id, event.c.body).execution_options(yield_per=FETCHED)
    for row in connection.execute(query):
        if hashlib.sha256(row.body.encode()).hexdigest() != row.event_id:
            yield Flaw("changed-event", f"event {row.event_id}", "its body is not the one that was received")
