"""Calls the running bento over HTTP as the replay does: one batch an hour, and the outcomes that came in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx

from handrail.errors import Refused, Unavailable

ATTEMPTS = 6
FIRST_PAUSE_S = 0.25
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, how many attempts failed before, and how long the good one took in milliseconds."""

    content: dict[str, Any]
    failures: int
    latency_ms: float


class BentoClient:
    """A connection to one bento; a request that fails for a temporary reason is sent again, which is safe."""

    def __init__(self, url: str, token: str, many: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Call the bento at `url`, which takes items as `many`; `pause` waits that many seconds between attempts."""
        self._url, self._many = url, many
        self._pause = pause
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def __enter__(self) -> BentoClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def predict(self, hour: datetime, items: Sequence[dict[str, Any]]) -> Answer:
        """Send the batch of an hour.

        Raises:
            Unavailable: the bento did not answer it in `ATTEMPTS` attempts.
            Refused: the bento understood the batch and does not take it.
        """
        return self._post(f"the batch of {hour:%Y-%m-%dT%H:%MZ}", "/predict", {self._many: list(items)})

    def report(self, hour: datetime, events: Sequence[dict[str, Any]]) -> Answer:
        """Send the outcomes that came in during an hour.

        Raises:
            Unavailable: the bento did not answer in `ATTEMPTS` attempts.
            Refused: the bento understood the outcomes and does not take them.
        """
        return self._post(f"the outcomes of {hour:%Y-%m-%dT%H:%MZ}", "/api/feedback", {"events": list(events)})

    def _post(self, what: str, path: str, body: dict[str, Any]) -> Answer:
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(FIRST_PAUSE_S * 2 ** (attempt - 1))
            began = time.perf_counter()
            try:
                response = self._http.post(path, json=body)
            except httpx.TransportError as err:
                problem = str(err) or type(err).__name__
                continue
            if response.status_code < 400:
                return Answer(response.json(), attempt, (time.perf_counter() - began) * 1e3)
            problem = f"{response.status_code}: {_problem_of(response)}"
            if response.status_code < 500 and response.status_code != 429:
                raise Refused(f"Sending {what}", (f"The bento answered {problem}",))
        raise Unavailable(
            f"The bento at {self._url}",
            f"it did not take {what} in {ATTEMPTS} attempts, the last gave {problem.rstrip('.')}",
            "Start it and run the replay again: it continues from that hour.",
        )


def _problem_of(response: httpx.Response) -> str:
    try:
        content = response.json()
    except ValueError:
        return response.text[:200] or response.reason_phrase
    detail = content.get("detail") if isinstance(content, dict) else None
    return str(detail or content)[:300]
