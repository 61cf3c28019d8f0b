"""A gate's store with many requests and holds, written directly, and what a full server answers."""

from __future__ import annotations

from collections.abc import Iterator
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
from tests.fakes.approvals_world import World, opening
from tests.fakes.mlflow_server import EVIDENCE

GATE = "/handrail/api/v1/promotion-requests"
FILES = ("MLmodel", "model.skops")


def seed(settings: Settings, asked: int, held: int) -> None:
    """Write so many open requests of one account about the model `bench`, with their leaves, and so many held trees."""
    store = migrated(open_store(settings.approvals_url))
    ledger, _ = open_ledger(settings, store)
    with store.write() as connection:
        for request in _requests(asked):
            body = request_body(request)
            row = {"request_id": request.request_id, "alias": request.subject.alias, "requester": request.requester}
            row |= {"subject_key": request.subject.key, "body": body}
            key = connection.execute(requests.insert().values(row)).inserted_primary_key
            assert key is not None
            ledger.log.append(connection, opening_leaf(request, body, int(key[0])))
        trees = [
            {"kind": "path", "thing": f"/seeded/{n}/model", "holder": f"pr-{n}-1", "label": f"version {n}"}
            for n in range(held)
        ]
        if trees:
            connection.execute(holds.insert(), trees)
    ledger.log.committed()
    store.close()


def _requests(count: int) -> Iterator[PromotionRequest]:
    like = World().gate.open_request(opening(), "ada").history.request
    for number in range(count):
        subject = replace(like.subject, model="bench", version=number + 1000, created=number)
        yield replace(like, request_id=subject.request_id(0), subject=subject)


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


def ask(http: httpx.Client, version: str) -> None:
    """Ask for a promotion."""
    evidence = [{"name": name, "content": content} for name, content in EVIDENCE.items()]
    body = {"model": "bench", "version": version, "alias": "champion", "reason": "better", "evidence": evidence}
    answer = http.post(GATE, json=body)
    assert answer.status_code == 201, answer.text


def list_page(http: httpx.Client, after: int) -> None:
    """Look at one page of open requests."""
    answer = http.get(GATE, params={"state": "open", "after": str(after)})
    assert answer.status_code == 200, answer.text


def resident_mb(process: int) -> float:
    """Return the memory that a process and its children have, in MB."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6 + sum(resident_mb(int(child)) for child in children)
