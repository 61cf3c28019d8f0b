"""A gate that knows requests by what a test says of them, and what is to happen when one is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handrail.approvals.domain.judging import Verdict
from handrail.entrypoints.prefect.approval import RequestReader
from handrail.errors import Refused, UnknownReference


class DecidedRequests(RequestReader):
    """Answers as the gate's client does: with the verdicts of the gate, and its errors."""

    def __init__(self) -> None:
        self.requests: dict[str, dict[str, Any]] = {}
        self.read: list[str] = []
        self.unreadable: set[str] = set()
        self.then: Callable[[str], None] | None = None

    def put(self, request_id: str, verdict: str, *reasons: str) -> str:
        row = {"request_id": request_id, "model": "m", "version": 3, "alias": "champion"}
        self.requests[request_id] = row | {"verdict": str(Verdict(verdict)), "reasons": list(reasons)}
        return request_id

    def request(self, request_id: str) -> Mapping[str, Any]:
        self.read.append(request_id)
        if request_id in self.unreadable:
            raise Refused("Reading this request", ("The account 'ada' lacks the permission for 'm'; ask its owner.",))
        if request_id not in self.requests:
            raise UnknownReference("promotion request", request_id, "List them with 'handrail approvals list'.")
        found = dict(self.requests[request_id])
        if self.then:
            self.then(request_id)
        return found
