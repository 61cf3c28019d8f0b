"""What a request's page says of what is around it: how the version was made, what monitoring saw, what is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handrail.entrypoints.console.request_shown import Shown
from handrail.entrypoints.console.words import listed

Row = dict[str, Any]


def unrecorded_of(changed: Mapping[str, Any] | None) -> Iterator[Row]:
    """Yield the sentence on a version of which nobody recorded how it was made, from the gate's own `Changes`."""
    lacking = changed["unrecorded"] if changed else []
    if lacking:
        nothing = listed([f"no {each}" for each in lacking])
        more = f"There is {nothing} to find it by: it cannot be traced or made again."
        yield {"kind": "warn", "what": "How this version was made is not recorded.", "more": more}


def monitored_of(shown: Shown) -> Iterator[Row]:
    """Yield a sentence for each alert about the period on which the request's author judged the version."""
    for alert in shown.alerts:
        yield {
            "kind": "warn",
            "what": f"Monitoring alerted on {alert.period} ({alert.kind}), the period that it was judged on.",
            "more": " ".join(alert.sentences),
            "alert": f"{alert.period}-{alert.kind}",
        }


def behind_of(shown: Shown) -> Iterator[Row]:
    """Yield that services still answer with another version than the one that the alias was moved to."""
    if not shown.behind or shown.view.is_open:
        return
    bound = shown.view.history.request.subject
    still = [
        f"{row['service']} in {row['environment']} still answers with {bound.model} {row['version']}"
        for row in shown.behind
    ]
    title = f"{bound.model} {bound.version} is {bound.alias}, but {listed(still)}."
    line = "Moving an alias moves no traffic. Whoever runs the service deploys the version, with the flow deploy."
    yield {"kind": "warn", "title": title, "lines": [line], "deployments": True}
