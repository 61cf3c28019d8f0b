"""Measures what requests wait for in threads of the server, one at a time, so that no call waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Thread

from handrail.approvals import Evaluations
from handrail.errors import HandrailError

_log = logging.getLogger("handrail.approvals")


class EvaluatingThreads:
    """A thread for each request that waits; a stop of the server ends them, and the next start begins anew."""

    def __init__(self, evaluations: Callable[[], Evaluations]) -> None:
        """Evaluate with what the function returns at the first use: the gate itself is made with this."""
        self._evaluations = evaluations
        self._turn = Lock()
        self._named: set[str] = set()
        self._naming = Lock()

    def begin(self, request_id: str) -> None:
        """Evaluate a request soon, and once; return at once."""
        with self._naming:
            if request_id in self._named:
                return
            self._named.add(request_id)
        # As a daemon: a hung evaluation keeps no server from stopping, and its process ends with the server.
        Thread(target=self._evaluate, args=(request_id,), name=f"evaluate {request_id}", daemon=True).start()

    def resume(self) -> None:
        """Begin what an earlier process left."""
        for request_id in self._evaluations().waiting():
            self.begin(request_id)

    def _evaluate(self, request_id: str) -> None:
        try:
            with self._turn:
                self._evaluations().evaluate(request_id)
        except HandrailError as err:
            _log.error("The evaluation of %s could not be stored; ask again, or restart. %s", request_id, err)
        finally:
            with self._naming:
                self._named.discard(request_id)
