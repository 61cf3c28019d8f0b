"""The online store's states as lineage: each write makes the next state of a view, each read saw some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from handrail.entrypoints.feast.provider.project import ASSERTED_BY, RecordedProject
from handrail.lineage import ActivityDetails, Lineage, artifact_at
from handrail.refs import ArtifactVersion

STATE_KIND = "online-features"


@dataclass(frozen=True)
class Change:
    """A finished write to the online rows of one view; `used` is what it was made from."""

    uri: str
    kind: str
    view: Any
    used: Sequence[ArtifactVersion]
    started: datetime
    ended: datetime
    attributes: Mapping[str, str]


def pointer_name(project: str, view: str) -> str:
    """Return the moving name of a view's present state."""
    return f"feast online {project}/{view}"


def write_change(lineage: Lineage, project: RecordedProject, change: Change) -> None:
    """Record a write: what it used, among that the state before it, and the state that it left."""
    name = pointer_name(project.name, change.view.name)
    before = lineage.pointer_at(name, change.ended)
    state = ArtifactVersion(
        project.uri("online", f"{change.view.name}@{change.uri.rpartition('/')[2]}"),
        STATE_KIND,
        None,
        dict(change.attributes),
    )
    used = [project.view(change.view), *change.used]
    if before is not None and before.target is not None:
        used.append(artifact_at(before.target))
    details = ActivityDetails(
        change.started, change.ended, {"feature_view": change.view.name} | dict(change.attributes), ASSERTED_BY
    )
    lineage.record_activity(change.uri, change.kind, used=used, generated=[state], details=details)
    lineage.point(name, state.uri, change.ended, change.uri)


def states(lineage: Lineage, project: str, views: Sequence[Any], between: tuple[datetime, datetime]) -> list[str]:
    """Return the states that reads between two moments saw: of each view the one at the start and the one at the end.

    Those between lead to one another, so a trace reaches them.
    """
    found: dict[str, None] = {}
    for view in views:
        for moment in between:
            pointer = lineage.pointer_at(pointer_name(project, view.name), moment)
            if pointer is not None and pointer.target is not None:
                found[pointer.target] = None
    return list(found)


def watermark(response: Any, known: float = 0.0) -> str:
    """Return the newest event time in an online response, or `known` in seconds since 1970; empty if there is none."""
    vectors = response.proto.results if response is not None else ()
    newest = max((moment.ToMicroseconds() for vector in vectors for moment in vector.event_timestamps), default=0) / 1e6
    newest = max(newest, known)
    return datetime.fromtimestamp(newest, UTC).isoformat() if newest > 0 else ""
