"""Asks the gate on an MLflow server, over HTTP; an error of the gate is raised here as the gate raised it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from handrail.approvals import (
    Closed,
    LogMismatch,
    MovedMeanwhile,
    MoveUnderWay,
    NotAsShown,
    NotEligible,
    NotSigned,
    PersonSignature,
    Protected,
    StillReading,
    UnderEvaluation,
    UnverifiedBytes,
)
from handrail.entrypoints.http.gate_answers import GateAnswers
from handrail.entrypoints.http.gate_evidence import evidence_rows
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.http.gate_signing import sent
from handrail.entrypoints.http.problems import error_of
from handrail.entrypoints.http.rule_client import RuleClient
from handrail.entrypoints.http.snapshot_client import SnapshotClient
from handrail.errors import Conflict, HandrailError, InvalidInput, Misconfigured, Refused, Unavailable, UnknownReference
from handrail.refs import Use

TIMEOUT_S = 120.0
POLL_S = 0.2
MEASURED_WITHIN_S = 300.0
READ_WITHIN_S = 1800.0
"""How long the same call is repeated while the gate reads the files of a large version."""
SNAPSHOT_TYPE = "application/vnd.apache.parquet"
NO_GATE = "Start it with --app-name handrail and see its log; without the gate ask MLflow itself, as models:/ does."
START = "Start it, or name the right address: mlflow_url in config/handrail.yaml, or HANDRAIL_MLFLOW_URL."
ERRORS: tuple[type[HandrailError], ...] = (
    *(InvalidInput, UnknownReference, Conflict, Refused, Misconfigured, Unavailable),
    *(Closed, LogMismatch, MovedMeanwhile, MoveUnderWay, NotAsShown, NotEligible),
    *(NotSigned, Protected),
    *(StillReading, UnderEvaluation, UnverifiedBytes),
)
"""What the gate may raise."""


class NotLoggedIn(Refused):
    """The server does not know this account and password."""

    def __init__(self, url: str, username: str) -> None:
        who = f"The login of {username!r}" if username else "A call without a login"
        remedy = "Give an account of that server and its password: MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD."
        super().__init__(f"{who} at {url}", (remedy,))
        self.url, self.username = url, username


class GateClient(GateAnswers):
    """The gate as one account sees it. Every call may be repeated."""

    def __init__(self, url: str, username: str, password: str) -> None:
        """Talk to the MLflow server at `url`, logged in as one account."""
        self._url = url.rstrip("/")
        self._username = username
        self._http = httpx.Client(base_url=self._url, auth=(username, password), timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def open_request(  # noqa: PLR0913 - one argument for each part of a request
        self,
        *,
        model: str,
        version: int | str,
        alias: str,
        reason: str,
        evidence: Mapping[str, Mapping[str, Any] | tuple[str, str]],
        snapshot: str | None = None,
    ) -> dict[str, Any]:
        """Ask that `alias` points at a version; asking the same again returns the same request.

        Args:
            model: name of the registered model.
            version: number of the version.
            alias: for example `champion`.
            reason: one sentence for those who decide.
            evidence: by the names of the policy's rules JSON objects, envelopes that a pipeline has signed among them,
                or (run id, path) of a file that the gate reads.
            snapshot: digest of labelled rows, handed in before, on which the gate measures the version.

        Returns:
            the request: `request_id`, `verdict` (`pending`, `evaluating`, `refused`, ...), `reasons` and more.

        Raises:
            HandrailError: see the module.
        """
        body: dict[str, Any] = {"model": model, "version": str(version), "alias": alias, "reason": reason}
        body |= {"evidence": evidence_rows(evidence)} | ({"snapshot": snapshot} if snapshot else {})
        return self._json(Route.OPEN_REQUEST, json=body)

    def nonce(self, *, model: str, version: int | str, alias: str) -> dict[str, Any]:
        """Get a nonce with which a pipeline signs evidence for one request; returns what the statement is about too.

        Raises:
            Refused: this account may not ask for the promotion, or has too many nonces.
        """
        return self._json(Route.NONCE, json={"model": model, "version": str(version), "alias": alias})

    def adopt(self, *, model: str, alias: str, reason: str) -> dict[str, Any]:
        """Ask that the gate takes over the version that `alias` points at since before the gate.

        Raises:
            Refused: the alias points at nothing, or at what the gate has promoted.
        """
        return self._json(Route.ADOPT, json={"model": model, "alias": alias, "reason": reason})

    def hand_in(self, model: str, snapshot: Path) -> str:
        """Hand in a Parquet file of labelled rows on which versions of a model can be measured; return its digest.

        Raises:
            Refused: this account may not change the model.
            InvalidInput: it is not a Parquet file, or too large.
        """
        return str(self._sent_file(Route.SNAPSHOT, snapshot, {"model": model})["snapshot"])

    def commit_predictions(self, model: str, version: int | str, predictions: Path) -> dict[str, Any]:
        """Commit a Parquet file of predictions of a version, a subject and a `score` a row, before their outcome.

        Returns:
            `predictions`, `tree_digest`, and `at`, the moment by the gate's clock.

        Raises:
            Refused: this account may not change the model, or the version's experiments.
            InvalidInput: it is not a Parquet file, or too large.
        """
        return self._sent_file(Route.PREDICTIONS, predictions, {"model": model, "version": str(version)})

    def _sent_file(self, route: Route, file: Path, params: Mapping[str, str]) -> dict[str, Any]:
        try:
            # Read at each attempt anew, where the gate has first to read something else.
            return self._until_read(lambda: self._send_file(route, file, params))
        except OSError as err:
            raise InvalidInput(route.name.lower(), f"{file} cannot be read: {err.strerror}", "Name a file.") from err

    def _send_file(self, route: Route, file: Path, params: Mapping[str, str]) -> dict[str, Any]:
        with file.open("rb") as rows:
            headers = {"Content-Type": SNAPSHOT_TYPE, "Content-Length": str(file.stat().st_size)}
            answer: dict[str, Any] = self._send(route, params=params, content=rows, headers=headers).json()
            return answer

    def decide(
        self,
        request_id: str,
        decision: str,
        reason: str,
        *,
        seen: str | None = None,
        signature: PersonSignature | None = None,
    ) -> dict[str, Any]:
        """Approve, reject or ask as this account; returns the request, `promoted` once the alias has moved.

        `seen` is what the request had under that name when it was looked at: the digest of the facts. `signature` is
        what `sign_decision` made of the same.

        Raises:
            NotEligible: this person may not decide.
            Closed: the request takes no more decisions; its `verdict` says why.
            NotAsShown: the facts changed since they were looked at; nothing was recorded.
            NotSigned: the policy asks for a signature, or this one does not hold; nothing was recorded.
        """
        body = {"request_id": request_id, "decision": decision, "reason": reason} | ({"seen": seen} if seen else {})
        return self._json(Route.DECIDE, json=body | sent(signature))

    def request(self, request_id: str) -> dict[str, Any]:
        """Return a request with its decisions, verdict and `evidence_content`.

        Raises:
            UnknownReference: there is no such request.
        """
        return self._json(Route.REQUESTS, params={"id": request_id})

    def measured(self, request: Mapping[str, Any], within_s: float = MEASURED_WITHIN_S) -> dict[str, Any]:
        """Return the request as soon as the gate has measured its version, or as it stands after that time.

        What waits for the confirmation of its labelled rows (`waits`) is returned at once.
        """
        deadline, current = time.monotonic() + within_s, dict(request)
        while current["verdict"] == "evaluating" and not current.get("waits") and time.monotonic() < deadline:
            time.sleep(POLL_S)
            current = self.request(current["request_id"])
        return current

    def requests(self, alias: str | None = None, *, only_open: bool = False) -> list[dict[str, Any]]:
        """Return requests, oldest first."""
        return list(self.each_request(alias, only_open=only_open))

    def each_request(self, alias: str | None = None, *, only_open: bool = False) -> Iterator[dict[str, Any]]:
        """Yield requests, oldest first, page by page."""
        params = ({"alias": alias} if alias else {}) | ({"state": "open"} if only_open else {})
        after: dict[str, str] | None = {}
        while after is not None:
            page = self._json(Route.REQUESTS, params=params | after)
            yield from page["requests"]
            after = {"after": page["next"]} if "next" in page else None

    def permit(self, use: Use, digest: str | None = None) -> bytes:
        """Return the newest signed permit for a use; for the tree with this digest, if one is named.

        Raises:
            UnknownReference: no promotion allowed this.
        """
        params = use.to_json() | ({"digest": digest} if digest else {})
        return self._send(Route.PERMIT, params=params).content

    def revoke(self, request_id: str, reason: str) -> dict[str, Any]:
        """Take a permit back as this account; returns the request.

        Raises:
            NotEligible: this person holds none of the roles that take permits back.
            Refused: the request has no permit.
        """
        return self._json(Route.REVOKE, json={"request_id": request_id, "reason": reason})

    def revocations(self) -> bytes:
        """Return the signed list of permits that were taken back: revoked.dsse beside the gate's key."""
        return self._send(Route.REVOCATIONS).content

    @property
    def snapshots(self) -> SnapshotClient:
        """Labelled rows that were handed in, and how they are confirmed."""
        return SnapshotClient(self._json)

    @property
    def rules(self) -> RuleClient:
        """What is in force, and how it changes."""
        return RuleClient(self._json)

    def _json(self, route: Route, **content: Any) -> dict[str, Any]:
        return self._until_read(lambda: self._send(route, **content).json())

    @staticmethod
    def _until_read(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        deadline = time.monotonic() + READ_WITHIN_S
        while True:
            try:
                return ask()
            except StillReading as err:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                # No longer than this client waits in all, and not without a pause, whatever the answer asks for.
                time.sleep(min(max(err.retry_after_s, POLL_S), left))

    def _send(self, route: Route, **content: Any) -> httpx.Response:
        try:
            answer = self._http.request(route.method, route.path, **content)
        except httpx.HTTPError as err:
            problem = f"nobody answers there ({str(err) or type(err).__name__})"
            raise Unavailable(f"The MLflow server at {self._url}", problem, START) from err
        except ValueError as err:
            raise InvalidInput("evidence", str(err), "Send finite JSON numbers.") from err
        if answer.status_code == 401:
            raise NotLoggedIn(self._url, self._username)
        if answer.is_error:
            raise _error(answer, self._url)
        return answer


def _error(answer: httpx.Response, url: str) -> HandrailError:
    server = f"The MLflow server at {url}"
    try:
        document = answer.json()
    except ValueError:
        document = None
    if error := error_of(document, ERRORS):
        return error
    # A server of another release, or a proxy: its sentence is all that is known.
    detail = document.get("detail") if isinstance(document, dict) else None
    if not isinstance(detail, str) or not detail.strip():
        return Unavailable(
            server,
            f"it answered {answer.status_code}",
            NO_GATE,
        )
    if answer.is_server_error:
        return Unavailable(server, detail.strip().rstrip("."), "See its log.")
    return Refused(f"A request to {url}", (detail.strip(),))
