"""Says when each server of `make up` answers, where to look and where the credentials lie; then waits for a signal."""

from __future__ import annotations

import signal
import time

import httpx

from handrail.settings import Settings, load_settings
from infra.servers.supervisor import KINDS, address_of, answers

GIVE_UP_AFTER_S = 300


def main() -> None:
    """Print an address as soon as its server answers, then the rest, then sleep until a signal."""
    settings = load_settings()
    waiting = list(KINDS)
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    while waiting and time.monotonic() < deadline:
        for name in [name for name in waiting if answers(settings, name)]:
            waiting.remove(name)
            print(line(settings, name), flush=True)
        time.sleep(0.5)
    for name in waiting:
        print(f"{KINDS[name].title} does not answer yet; its log is {settings.home / 'logs' / name}.log", flush=True)
    print(closing(settings), flush=True)
    while True:
        signal.pause()


def line(settings: Settings, name: str) -> str:
    """Return what to say of a server that answers."""
    if name == "worker":
        return f"{KINDS[name].title:<15} takes flow runs; every flow is deployed"
    note = not_ready(settings) if name == "bento" else ""
    return f"{KINDS[name].title:<15} {address_of(settings, name)}{note}"


def not_ready(settings: Settings) -> str:
    """Return why the bento serves no model yet, in its own words; nothing if it does."""
    try:
        answer = httpx.get(f"{address_of(settings, 'bento')}/readyz", timeout=10, trust_env=False)
    except httpx.HTTPError:
        return ""
    return "" if answer.status_code == 200 else f"  (not ready: {reason(answer)})"


def reason(answer: httpx.Response) -> str:
    """Return the sentence of a problem document, or the bare text of another answer."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip()[:200] or f"status {answer.status_code}"


def closing(settings: Settings) -> str:
    """Return where credentials, logs and state lie, and how to stop."""
    files = sorted(file.name for file in settings.credentials.glob("*.json"))
    return "\n".join(
        [
            f"Project: {settings.project}",
            f"Credentials, readable by you alone: {settings.credentials}{_listed(files)}",
            f"Logs: {settings.home / 'logs'}",
            "Ctrl-C stops everything.",
        ]
    )


def _listed(files: list[str]) -> str:
    return f" ({', '.join(files)})" if files else ""


if __name__ == "__main__":
    main()
