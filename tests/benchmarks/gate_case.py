"""A gate's store with many requests and holds, written directly, and what a full server answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx

from handrail.approvals.adapters.event_rows import request_body
from handrail.approvals.adapters.tables import holds, requests
from handrail.approvals.domain.leaves import opening_leaf
from handrail.approvals.domain.subject import PromotionRequest
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_log import open_ledger
from handrail.settings import Settings
from handrail.storage import open_store
from tests.benchmarks import harness
from tests.fakes.mlflow_server import EVIDENCE

GATE = "/handrail/api/v1/promotion-requests"
FILES = ("MLmodel", "model.skops")
PROGRESS = 2_000


def seed(settings: Settings, like: str, asked: int, held: int) -> None:
    """Write so many requests that are open as the request `like` is, with their leaves, and so many held trees."""
    store = migrated(open_store(settings.approvals_url))
    ledger, _ = open_ledger(settings, store)
    request = ledger.load(like).request
    with store.write() as connection:
        for number in range(asked):
            if number % PROGRESS == 0:
                harness.progress(f"{number:,} of {asked:,} requests")
            one = _one_more(request, number)
            body = request_body(one)
            row = {"request_id": one.request_id, "alias": one.subject.alias, "requester": one.requester}
            row |= {"subject_key": one.subject.key, "body": body}
            key = connection.execute(requests.insert().values(row)).inserted_primary_key
            assert key is not None
            ledger.log.append(connection, opening_leaf(one, body, int(key[0])))
        trees = [
            {"kind": "path", "thing": f"/seeded/{n}/model", "holder": f"pr-{n}-1", "label": f"version {n}"}
            for n in range(held)
        ]
        if trees:
            connection.execute(holds.insert(), trees)
    ledger.log.committed()
    store.close()


def _one_more(like: PromotionRequest, number: int) -> PromotionRequest:
    """Return the request about a later version; all else that it binds is as before, so it stays open."""
    subject = replace(like.subject, version=number + 1000, created=number)
    return replace(like, request_id=subject.request_id(like.turn), subject=subject)


def make_candidates(http: httpx.Client, experiment: str, count: int) -> list[str]:
    """Log one small model and register it so many times; return the numbers of the versions."""
    made = http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": experiment}).json()
    run_id = made["run"]["info"]["run_id"]
    for name in FILES:
        path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run_id}/artifacts/model/{name}"
        assert http.put(path, content=b"flavors: {}\n").status_code == 200
    body = {"name": "bench", "source": f"runs:/{run_id}/model", "run_id": run_id}
    answers = [http.post("/api/2.0/mlflow/model-versions/create", json=body) for _ in range(count)]
    return [str(answer.json()["model_version"]["version"]) for answer in answers]


def ask(http: httpx.Client, version: str) -> str:
    """Ask for a promotion; return the id of the request."""
    evidence = [{"name": name, "content": content} for name, content in EVIDENCE.items()]
    body = {"model": "bench", "version": version, "alias": "champion", "reason": "better", "evidence": evidence}
    answer = http.post(GATE, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_id"])


class OpenRequests:
    """The list of open requests, page by page; after the last one the first comes again."""

    def __init__(self, http: httpx.Client) -> None:
        self._http, self._after = http, dict[str, str]()

    def turn(self) -> None:
        """Look at the next page."""
        answer = self._http.get(GATE, params={"state": "open"} | self._after)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        self._after = {"after": body["next"]} if "next" in body else {}


def resident_mb(process: int) -> float:
    """Return the memory that a process and its children have, in MB."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6 + sum(resident_mb(int(child)) for child in children)
