"""Flow runs that wait for a decision of the gate: suspended while people decide, woken once the request has ended.

Prefect only waits here. Whoever may reach its API can resume a run, and a run that is resumed looks at the gate again.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import suspend_flow_run
from prefect.runtime import deployment, flow_run

from handrail.errors import Refused, UnknownReference

WAITS = "handrail-approval"
"""Tag of every run that was suspended for a request; `handrail-approval:<request id>` names the request."""
POLL_S = 1.0
PAGE = 100
OPEN = frozenset({"evaluating", "pending", "approved"})
"""The verdicts that people can still change; a request has ended with any other."""

_log = logging.getLogger("handrail.prefect")


class RequestReader(Protocol):
    """The gate as one account sees it: `handrail.http.GateClient` is one."""

    def request(self, request_id: str) -> Mapping[str, Any]:
        """Return a request with its `verdict` and `reasons`.

        Raises:
            HandrailError: there is no such request, or the gate cannot be asked.
        """


def approval_gate(request_id: str, gate: RequestReader, *, within_s: float = 60.0) -> dict[str, Any]:
    """Return a promoted request, in the body of a flow; while people decide, suspend the flow run.

    A run that is resumed runs again from the top and comes here again: it goes on if the request was promoted, and is
    suspended again if it is open. `wake_decided` resumes it once the request has ended.

    Args:
        request_id: the request that was opened at the gate.
        gate: reads the request, as an account that may read the model.
        within_s: seconds to look at an open request before the run is suspended for the first time.

    Raises:
        Refused: the request ended otherwise, with its reasons; or the run has no deployment or is part of another
            flow's run, so that nobody could resume it.
        HandrailError: the gate cannot be asked.
    """
    request = _look(request_id, gate, 0.0 if awaited_request() == request_id else within_s)
    while request["verdict"] in OPEN:
        _refuse_unless_resumable(request)
        _mark(request_id)
        # With Prefect's default key: where this run was resumed before, the first calls return at once. In an
        # asynchronous flow too, the run ends here.
        suspend_flow_run(timeout=None, _sync=True)  # type: ignore[call-overload]
        request = dict(gate.request(request_id))
    if request["verdict"] == "promoted":
        return request
    raise Refused(_action(request), tuple(request["reasons"]) or (f"The request is {request['verdict']}.",))


def awaited_request() -> str | None:
    """Return the id of the request that this flow run was suspended for, None if it was not or outside of a run."""
    return _request_in(flow_run.tags or ())


def wake_decided(gate: RequestReader) -> list[str]:
    """Resume each flow run that is suspended for a request which has ended; safe to repeat.

    A run that others resumed, deleted or cancelled meanwhile is left alone.

    Args:
        gate: reads the requests, as an account that may read the models; it is not asked if no run is suspended.

    Returns:
        a sentence for each run that was resumed.

    Raises:
        Unavailable: the gate cannot be asked; runs that were not resumed are at the next call.
    """
    woken = []
    with get_client(sync_client=True) as client:
        ended: dict[str, bool] = {}
        for run in list(_suspended(client)):
            request_id = _request_in(run.tags)
            if request_id is None:
                continue
            if request_id not in ended:
                ended[request_id] = _has_ended(request_id, gate)
            if ended[request_id] and _resume(client, run.id):
                woken.append(f"The flow run {run.name!r} goes on: {request_id} has ended.")
    return woken


def _look(request_id: str, gate: RequestReader, within_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    request = dict(gate.request(request_id))
    while request["verdict"] in OPEN and time.monotonic() < deadline:
        time.sleep(min(POLL_S, max(deadline - time.monotonic(), 0.0)))
        request = dict(gate.request(request_id))
    return request


def _action(request: Mapping[str, Any]) -> str:
    return f"Promoting {request['model']} version {request['version']} to {request['alias']!r}"


def _refuse_unless_resumable(request: Mapping[str, Any]) -> None:
    whole = deployment.id is not None and flow_run.parent_flow_run_id is None
    if not whole:
        request_id = request["request_id"]
        remedy = f"Decide with 'handrail approvals decide {request_id}', then run it again or as a deployment."
        raise Refused(f"{_action(request)} for now", (*request["reasons"], remedy))


def _mark(request_id: str) -> None:
    """Write into the run's tags what it waits for; they are read by who wakes it, and by itself once it is resumed."""
    run_id = UUID(str(flow_run.id))
    with get_client(sync_client=True) as client:
        tags = set(client.read_flow_run(run_id).tags)
        wanted = {tag for tag in tags if _request_in([tag]) is None} | {WAITS, f"{WAITS}:{request_id}"}
        if tags != wanted:
            client.update_flow_run(run_id, tags=sorted(wanted))


def _request_in(tags: Any) -> str | None:
    return next((tag.removeprefix(f"{WAITS}:") for tag in tags if tag.startswith(f"{WAITS}:")), None)


def _suspended(client: SyncPrefectClient) -> Iterator[FlowRun]:
    """Yield every run that is paused for a request, as it was when its page was read."""
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    wanted = FlowRunFilter(state=paused, tags=FlowRunFilterTags(all_=[WAITS]))
    offset = 0
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset):
        yield from page
        offset += len(page)


def _has_ended(request_id: str, gate: RequestReader) -> bool:
    try:
        return gate.request(request_id)["verdict"] not in OPEN
    except UnknownReference:
        return True  # what waits for a request that is gone is woken too, and says so itself
    except Refused as err:
        _log.warning("Whether %s has ended cannot be seen, and what waits for it goes on waiting. %s", request_id, err)
        return False


def _resume(client: SyncPrefectClient, run_id: UUID) -> bool:
    """Resume a run; return False if it is gone, is not paused any more, or cannot be resumed."""
    try:
        answer = client.resume_flow_run(run_id)
    except httpx.HTTPStatusError:
        # For a run that is gone the server answers 500, as for trouble of its own.
        try:
            client.read_flow_run(run_id)
        except ObjectNotFound:
            return False
        raise
    if answer.status is not SetStateStatus.ACCEPT:
        _log.info("The flow run %s was not resumed: %s", run_id, getattr(answer.details, "reason", answer.status))
    return answer.status is SetStateStatus.ACCEPT
