"""A separate project, lineage over HTTP in this process, and a token for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import uvicorn

from handrail.bootstrap import Platform
from handrail.bootstrap.lineage_events import open_access
from handrail.entrypoints.http.lineage import lineage_app
from handrail.settings import Settings
from tests.fakes.lineage_events import a_run_event

DEADLINE_S = 30


def a_platform(folder, **settings):
    """A platform whose store lies below `folder`."""
    return Platform(Settings(project=folder, home=folder / ".handrail", repository="shop", **settings))


def a_token(platform, name="airflow"):
    return open_access(platform.store).create(name)


def now(**more):
    """Return the moment, or one so much later, as events write it."""
    return (datetime.now(UTC) + timedelta(**more)).isoformat()


def an_event_now(run=1, inputs=(), outputs=(), **more):
    """A run event of this moment: a server refuses one that is too old."""
    return a_run_event(run, inputs=inputs, outputs=outputs, **({"eventTime": now()} | more))


def is_problem(answer, status, *words):
    """Check that an answer is a problem document that has these words, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    for word in words:
        assert word in problem["detail"]
    return problem


@contextmanager
def served(platform):
    """Serve `platform` on a free port and yield the address."""
    config = uvicorn.Config(lineage_app(platform), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    started = threading.Event()
    thread = threading.Thread(target=_run, args=(server, started), daemon=True)
    thread.start()
    assert started.wait(DEADLINE_S), "the server did not start"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)


def _run(server, started):
    startup = server.startup

    async def start(*arguments, **named):
        await startup(*arguments, **named)
        started.set()

    server.startup = start
    server.run()
