"""Whether the running service answers with what was deployed, asked over HTTP. Starts and stops nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import httpx

from handrail.refs import BentoTag

POLL_S = 0.5
TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Serving:
    """Whether the deployed bento answers, and a sentence that says so or what to do."""

    answers: bool
    sentence: str


def await_bento(url: str, tag: BentoTag, within_s: float) -> Serving:
    """Wait until the service at `url` answers with the bento `tag` and is ready; where none runs, wait for nothing."""
    name, deadline = f"{tag.name}:{tag.version}", time.monotonic() + within_s
    version = served_version(url)
    if version is None:
        return Serving(False, f"{name} is deployed, and no service answers at {url}. Start it: make up.")
    while version != tag.version or not is_ready(url):
        if time.monotonic() > deadline:
            return Serving(False, _late(url, name, version, tag))
        time.sleep(POLL_S)
        # None while it starts anew.
        version = served_version(url)
    return Serving(True, f"{url} answers with {name}.")


def served_version(url: str) -> str | None:
    """Return the version of the bento that a running service describes, None if none answers there."""
    try:
        answer = asker().get(f"{url}/docs.json")
        return str(answer.raise_for_status().json()["info"]["version"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return None


def is_ready(url: str) -> bool:
    """Say whether a service serves a model now."""
    try:
        return asker().get(f"{url}/readyz").status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


@cache
def asker() -> httpx.Client:
    """Return the client that asks again and again: making one reads the system's certificates, longer than an answer.

    It keeps no connection, so that a server that was started anew is asked as if for the first time.
    """
    return httpx.Client(timeout=TIMEOUT_S, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def _late(url: str, name: str, version: str | None, tag: BentoTag) -> str:
    if version is None:
        return f"{name} is deployed, and the service at {url} ended or does not start: see its log."
    if version == tag.version:
        return f"{url} serves {name} and is not ready: see {url}/readyz and its log."
    return (
        f"{name} is deployed, and {url} still serves version {version}. `make up` follows each deployment by itself; "
        f"restart another service with: bentoml serve {name}."
    )
