"""What a reviewer sees of production beside training: tags of a registered model version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from handrail.feedback.domain.summaries import Summary
from handrail.feedback.domain.values import DeploymentRecord

TAGS = "production."
UNKNOWN = "unknown"
_VERSION = re.compile(r"(?:mlflow://[^/]+/registered/([^/]+)/(\d+)|models:/([^/]+))/(\d+)")


class Registered(NamedTuple):
    """A registered version: its model's name and moment of creation in milliseconds (0: not recorded), its number."""

    name: str
    epoch: int
    version: int


def served_by(records: Iterable[DeploymentRecord]) -> dict[Registered, tuple[str, ...]]:
    """Return the deployments of each registered version, sorted; those that serve none are left out."""
    found: dict[Registered, list[str]] = {}
    for record in records:
        if named := _VERSION.fullmatch(record.model_version_uri or ""):
            version = Registered(unquote(named[1] or named[3]), int(named[2] or 0), int(named[4]))
            found.setdefault(version, []).append(record.uri)
    return {version: tuple(sorted(uris)) for version, uris in sorted(found.items())}


def tags_of(summary: Summary, as_of: datetime) -> Mapping[str, str]:
    """Return what is shown of a kind: the mature figure, the naive one, coverage, and how much that is made of."""
    shown = {
        summary.measured: _text(summary.figure),
        f"{summary.measured}_so_far": _text(summary.so_far),
        "coverage": _text(summary.coverage),
        "mature": _text(summary.mature),
        "predictions_read": str(summary.sampled),
        "delay_p90_h": _text(summary.delay_p90_h),
        "as_of": as_of.isoformat(timespec="seconds"),
    }
    return {f"{TAGS}{summary.kind}.{name}": value for name, value in shown.items()}


def _text(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.6g}"
