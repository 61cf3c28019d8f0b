"""The routes of the gate's HTTP interface, for the server that answers them and for the client that asks."""

from __future__ import annotations

from enum import Enum

PREFIX = "/handrail/api/v1"


class Route(Enum):
    """A route by method and path. Paths are without parameters: MLflow looks up its permission checks by exact path."""

    OPEN_REQUEST = "POST", f"{PREFIX}/promotion-requests"
    ADOPT = "POST", f"{PREFIX}/adoptions"
    REQUESTS = "GET", f"{PREFIX}/promotion-requests"
    CHANGES = "GET", f"{PREFIX}/changes"
    DECIDE = "POST", f"{PREFIX}/decisions"
    ANSWER = "POST", f"{PREFIX}/answers"
    OPEN_FINDING = "POST", f"{PREFIX}/findings"
    FINDINGS = "GET", f"{PREFIX}/findings"
    CLOSE_FINDING = "POST", f"{PREFIX}/finding-closures"
    RENEW = "POST", f"{PREFIX}/renewals"
    ROLL_BACK = "POST", f"{PREFIX}/rollbacks"
    BREAK_GLASS = "POST", f"{PREFIX}/broken-glass"
    REVOKE = "POST", f"{PREFIX}/revocations"
    REVOCATIONS = "GET", f"{PREFIX}/revocations"
    PERMIT = "GET", f"{PREFIX}/permits"
    RULES = "GET", f"{PREFIX}/rules"
    RULE_CHANGES = "GET", f"{PREFIX}/rule-changes"
    PROPOSE_RULES = "POST", f"{PREFIX}/rule-changes"
    DECIDE_RULES = "POST", f"{PREFIX}/rule-decisions"
    NONCE = "POST", f"{PREFIX}/nonces"
    SNAPSHOT = "POST", f"{PREFIX}/snapshots"
    SNAPSHOTS = "GET", f"{PREFIX}/snapshots"
    PREDICTIONS = "POST", f"{PREFIX}/predictions"
    CONFIRM_SNAPSHOT = "POST", f"{PREFIX}/snapshot-confirmations"
    CONFIRM = "POST", f"{PREFIX}/confirmations"
    METRICS = "GET", f"{PREFIX}/metrics"

    def __init__(self, method: str, path: str) -> None:
        self.method, self.path = method, path
