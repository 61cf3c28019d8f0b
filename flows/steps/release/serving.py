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
SERVING = "/serving"
"""Where a service says which deployment answers."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Whether the deployed bento answers, and a sentence that says so or what to do."""

    answers: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Answering:
    """What a running service says of itself: the version of the bento that answers, and what it does not serve, why."""

    version: str
    refused: str | None = None
    reason: str = ""


def await_bento(url: str, tag: BentoTag, within_s: float) -> Serving:
    """Wait until the service at `url` answers with the bento `tag` and is ready; where none runs, wait for nothing.

    A service that says why it does not serve the bento is not waited for.
    """
    name, deadline = f"{tag.name}:{tag.version}", time.monotonic() + within_s
    now = answering(url)
    if now is None:
        return Serving(False, f"{name} is deployed, and no service answers at {url}. Start it: make up.")
    while now is None or now.version != tag.version or not is_ready(url):
        if now is not None and now.refused == tag.version:
            return Serving(False, now.reason)
        if time.monotonic() > deadline:
            return Serving(False, _late(url, name, now.version if now else None, tag))
        time.sleep(POLL_S)
        # None while it starts anew.
        now = answering(url)
    return Serving(True, f"{url} answers with {name}.")


def answering(url: str) -> Answering | None:
    """Return what a running service says that it answers with, None if none answers there.

    One that does not say it, as it follows no pointer, answers with the bento that it describes.
    """
    try:
        said = asker().get(f"{url}{SERVING}")
        if said.status_code == HTTPStatus.NOT_FOUND:
            described = asker().get(f"{url}/docs.json").raise_for_status().json()
            return Answering(str(described["info"]["version"]))
        facts = said.raise_for_status().json()
        refused = facts.get("not_served") or {"deployment": None, "reason": ""}
        return Answering(_version(facts.get("deployment")), _version(refused["deployment"]), refused["reason"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError):
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


def _version(deployment: str | None) -> str:
    return (deployment or "").rpartition("/")[2]


def _late(url: str, name: str, version: str | None, tag: BentoTag) -> str:
    if version is None:
        return f"{name} is deployed, and the service at {url} ended or does not start: see its log."
    if version == tag.version:
        return f"{url} serves {name} and is not ready: see {url}/readyz and its log."
    return (
        f"{name} is deployed, and {url} still serves version {version or 'none'}. What `make up` starts follows each "
        f"deployment by itself, see its log; restart another service with: bentoml serve {name}."
    )
