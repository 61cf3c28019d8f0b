"""Reads runs and events from Prefect's REST interface, without Prefect's own package."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx

from handrail.clock import parse_moment
from handrail.entrypoints.prefect.collect.values import FLOW, TASK, FlowPlan, PrefectRun, Seen
from handrail.errors import Unavailable
from handrail.settings import Settings

PAGE = 200
EVENT_PAGE = 50
EVENTS = ("prefect.task-run.", "prefect.flow-run.", "prefect.asset.", "prefect.deployment.")
BUSY = 503
TRIES = 5
TIMEOUT_S = 60


def find_api(settings: Settings, given: str | None) -> str:
    """Return the address of Prefect's interface: the one given, else PREFECT_API_URL, else the project's server."""
    return (given or os.environ.get("PREFECT_API_URL") or f"{settings.url('prefect')}/api").rstrip("/")


class PrefectApi:
    """The part of the interface that lineage needs. PREFECT_API_KEY or PREFECT_API_AUTH_STRING log in."""

    def __init__(self, url: str) -> None:
        """Read from the interface at `url`, which ends in `/api`."""
        self._url = url
        self._client = httpx.Client(base_url=url, headers=_login(), timeout=TIMEOUT_S)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def runs(self, since: datetime, flows: Sequence[str] = ()) -> Seen:
        """Return the runs that began since then, of all flows or of those named, oldest first.

        Raises:
            Unavailable: the server cannot be reached or refuses.
        """
        after = {"start_time": {"after_": since.isoformat()}}
        chosen = {"flows": {"name": {"any_": list(flows)}}} if flows else {}
        flow_rows = self._rows("flow_runs", {"flow_runs": after, "sort": "START_TIME_ASC", **chosen})
        task_rows = self._rows("task_runs", {"task_runs": after, "sort": "EXPECTED_START_TIME_ASC", **chosen})
        names = self._names("flows", (row["flow_id"] for row in flow_rows))
        plans = self._names("deployments", (row["deployment_id"] for row in flow_rows))
        of_flow = {row["id"]: names.get(row["flow_id"], "") for row in flow_rows}
        return Seen(
            tuple(_flow_run(row, of_flow[row["id"]]) for row in flow_rows),
            tuple(_task_run(row, of_flow.get(row["flow_run_id"], "")) for row in task_rows),
            tuple(
                FlowPlan(row["deployment_id"], plans[row["deployment_id"]], of_flow[row["id"]])
                for row in {row["deployment_id"]: row for row in flow_rows}.values()
                if row["deployment_id"] in plans
            ),
        )

    def events(self, since: datetime) -> Iterator[dict[str, Any]]:
        """Yield the events of runs, assets and deployments since then, as the server keeps them, oldest first."""
        page = self._ask(
            "POST",
            "/events/filter",
            {
                "limit": EVENT_PAGE,
                "filter": {
                    "occurred": {"since": since.isoformat()},
                    "event": {"prefix": list(EVENTS)},
                    "order": "ASC",
                },
            },
        )
        while True:
            yield from page["events"]
            if not page["next_page"]:
                return
            # The link names the server as it sees itself, which need not be how it is reached from here.
            token = parse_qs(urlparse(page["next_page"]).query)["page-token"][0]
            page = self._ask("GET", "/events/filter/next", {"page-token": token})

    def _rows(self, what: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        offset = 0
        while page := self._ask("POST", f"/{what}/filter", {**asked, "limit": PAGE, "offset": offset}):
            found.update((row["id"], row) for row in page)
            offset += len(page)
        return list(found.values())

    def _names(self, what: str, ids: Iterable[str | None]) -> dict[str, str]:
        wanted = sorted({each for each in ids if each})
        found: dict[str, str] = {}
        for start in range(0, len(wanted), PAGE):
            rows = self._rows(what, {what: {"id": {"any_": wanted[start : start + PAGE]}}})
            found.update((row["id"], row["name"]) for row in rows)
        return found

    def _ask(self, method: str, path: str, sent: Mapping[str, Any]) -> Any:
        sent_as: dict[str, Any] = {"json": sent} if method == "POST" else {"params": sent}
        for attempt in range(TRIES):
            try:
                answer = self._client.request(method, path, **sent_as)
            except httpx.HTTPError as err:
                raise self._unavailable(str(err) or type(err).__name__) from err
            # So a server over SQLite says that its file was busy; Prefect's own client asks again too.
            if answer.status_code != BUSY:
                break
            time.sleep(0.2 * 2**attempt)
        if not answer.is_success:
            raise self._unavailable(f"it answered {answer.status_code} to {path}")
        return answer.json()

    def _unavailable(self, problem: str) -> Unavailable:
        remedy = "Start it, or name another with --api-url or PREFECT_API_URL; PREFECT_API_AUTH_STRING logs in."
        return Unavailable(f"Prefect at {urlparse(self._url)._replace(query='').geturl()}", problem, remedy)


def _login() -> dict[str, str]:
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    if pair := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def _flow_run(row: Mapping[str, Any], flow: str) -> PrefectRun:
    text = json.dumps(row["parameters"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    attributes = {"flow": flow, "parameters_sha256": hashlib.sha256(text.encode()).hexdigest()}
    maker = row.get("created_by") or {}
    if maker.get("type"):
        attributes["created_by"] = f"{maker['type']} {maker.get('display_value') or maker.get('id') or ''}".strip()
    return PrefectRun(
        kind=FLOW,
        flow=flow,
        attributes=attributes,
        deployment_id=row["deployment_id"],
        parent_task_run_id=row["parent_task_run_id"],
        **_common(row),
    )


def _task_run(row: Mapping[str, Any], flow: str) -> PrefectRun:
    inputs = [each for values in row["task_inputs"].values() for each in values]
    upstream = sorted({each["id"] for each in inputs if each.get("input_type") == "task_run"} - {row["id"]})
    return PrefectRun(
        kind=TASK,
        flow=flow,
        # The key is the function's name and a hash of its source.
        attributes={"task": row["task_key"].rpartition("-")[0] or row["task_key"]},
        flow_run_id=row["flow_run_id"],
        child_flow_run_id=((row["state"] or {}).get("state_details") or {}).get("child_flow_run_id"),
        upstream=tuple(upstream),
        **_common(row),
    )


def _common(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_id": row["id"],
        "name": row["name"],
        "state_type": row["state_type"] or "",
        "state_name": row["state_name"] or "",
        "started": _moment(row["start_time"]),
        "ended": _moment(row["end_time"]),
        "tags": frozenset(row["tags"]),
    }


def _moment(text: str | None) -> datetime | None:
    return parse_moment(text) if text else None
