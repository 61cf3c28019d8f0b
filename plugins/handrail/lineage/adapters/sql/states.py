"""The states of runs of OpenLineage: of all that were reported the greatest counts, in whatever order they arrived."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import node_id
from handrail.lineage.domain.events import RUN, RunState, run_uri
from handrail.storage.bulk import TEXT, fetch, read

_STATES = "select r.run_id, r.state_rank from {given} cross join lineage_run r where r.run_id = g.a"
_FAILED = f"select run_id from lineage_run where state_rank in ({RunState.ABORT.rank}, {RunState.FAIL.rank})"


def read_states(connection: Connection, uris: Iterable[str]) -> dict[str, str]:
    """Return the state of each run among these URIs, as the attribute that its node has."""
    runs = [uri.removeprefix(RUN) for uri in uris if uri.startswith(RUN)]
    rows = read(connection, _STATES, runs, TEXT) if runs else ()
    return {run_uri(run_id): RunState.of(rank).value for run_id, rank in rows}


def failed_runs(connection: Connection) -> dict[int, str]:
    """Return the ids of all runs that failed or were aborted, with their URIs."""
    uris = (run_uri(run_id) for (run_id,) in fetch(connection, _FAILED))
    return {node_id(uri): uri for uri in uris}
