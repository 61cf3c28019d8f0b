"""One measurement of guarded requests, as JSON: `WAY`, one of token, key, RS256, ES256, or open without a check."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from handrail.caller_settings import CallerSettings
from handrail.clock import system_time
from handrail.delivery import Keys, Slot
from handrail.delivery.adapters.sql_keys import MIGRATIONS, SqlKeys
from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from handrail.entrypoints.http.jwks import read_key_set
from handrail.entrypoints.http.oidc import OidcTokens
from handrail.entrypoints.http.serving_callers import HOLDER, Known, ServingCallers
from handrail.storage import migrate, open_store
from tests.fakes import oidc_issuer as oidc
from tests.fakes.guarded_app import TOKEN, TYPE, with_callers

REQUESTS, BATCHES, KEYS = 400, 9, 100


class Anybody(ServingCallers):
    """Lets everybody in."""

    async def find(self, header: str | None, query: bytes = b"") -> Known:
        return HOLDER


async def inner(_scope: Any, receive: Any, send: Any) -> None:
    """Answer."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def send_all(app: Any, text: str) -> dict[str, float]:
    """Return the median microseconds of a request, on the clock and of the processor."""
    headers = [TYPE, (b"authorization", f"Bearer {text}".encode()), (b"host", b"localhost"), (b"accept", b"*/*")]
    statuses: set[int] = set()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def answered(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.add(message["status"])

    walls, used = [], []
    for _ in range(BATCHES):
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(REQUESTS):
            scope = {"type": "http", "path": "/predict", "method": "POST", "headers": headers, "query_string": b""}
            await app(scope, receive, answered)
        walls.append(time.perf_counter() - wall)
        used.append(time.process_time() - processor)
    assert statuses == {200}
    each = 1e6 / REQUESTS
    return {"wall_us": each * statistics.median(walls[1:]), "cpu_us": each * statistics.median(used[1:])}


def main() -> None:
    """Print the times of one way in; all ways are open, as a service has them that takes each."""
    way = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        algorithm = way if way in ("RS256", "ES256") else "RS256"
        private = oidc.rsa_key() if algorithm == "RS256" else oidc.other_key("p256")
        (Path(folder) / "keys.json").write_text(json.dumps({"keys": [oidc.jwk(private)]}))
        chosen = CallerSettings(
            oidc_issuer=oidc.ISSUER, oidc_audience=oidc.AUDIENCE, oidc_jwks="keys.json", oidc_algorithms=(algorithm,)
        )
        store = open_store(f"sqlite:///{folder}/store.db")
        migrate(store, "delivery_keys", MIGRATIONS)
        keys = Keys(SqlKeys(store), Slot("prod", "churn"), system_time)
        texts = [keys.make(f"caller-{number}", "ada", None)[0] for number in range(KEYS)]
        tokens = OidcTokens(chosen, lambda: read_key_set("keys.json", Path(folder)))
        callers = ServingCallers(TOKEN, keys.ring, tokens) if way != "open" else Anybody()
        sent = {"token": TOKEN, "open": TOKEN, "key": texts[50]}.get(way) or oidc.signed(private, algorithm)
        found = asyncio.run(send_all(FeedbackGuard(inner, with_callers(callers)), sent))
        store.close()
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
