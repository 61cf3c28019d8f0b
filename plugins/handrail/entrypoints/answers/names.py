"""Short names of things for people, read from their URIs, and plain words for their kinds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from handrail.lineage import Node

DIGITS = 12
_WORDS = {
    "tracking-run": "MLflow run",
    "dvc-stage": "Pipeline stage",
    "dvc-data": "Data",
    "dataset": "Data",
    "tracked-dataset": "Data",
    "data-source": "Data source",
    "flow-run": "Prefect flow run",
    "task-run": "Prefect task run",
    "feature-service": "Features",
    "feature-view": "Features",
    "artifact-tree": "Files of the model",
    "actor": "Person or service",
}
# Only bentos have a name where others have a server, a project or a repository.
_FORMS: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"mlflow://[^/]+/registered/(?P<a>[^/]+)/[0-9]+/(?P<b>[0-9]+)", "{a} {b}"),
        (r"deploy://[^/]+/(?P<a>[^/]+)/(?P<b>.+)", "{a} {b}"),
        (r"bento(?:-model|-build)?://(?P<a>[^/]+)/(?P<b>.+)", "{a}:{b}"),
        (r"feast://[^/]+/feature_(?:view|service)/(?P<a>[^@]+)@.*", "{a}"),
        (r"approval://[^/]+/(?P<a>[^/]+)", "{a}"),
        (r"actor://[^/]+/(?P<a>.+)", "{a}"),
        (r"dvc-stage://[^/]+/(?P<a>.+)@[0-9a-f]+", "{a}"),
        (r"openlineage-(?:run|job)://(?P<a>.+)", "{a}"),
        (r"[a-z][a-z0-9+.-]*://[^/]+/[a-z_-]+/(?P<a>[0-9a-f]{16,}|[0-9a-f-]{36})", "{a}"),
        (r"(?:git|tree|policy|gx|stage-inputs)://.*?(?P<a>[0-9a-f]{32,})", "{a}"),
    )
)
_HEX = re.compile(r"[0-9a-f]{32,}")


def word_of(kind: str) -> str:
    """Return the plain word for a kind, with a capital letter."""
    word = _WORDS.get(kind) or kind.replace("-", " ")
    return f"{word[:1].upper()}{word[1:]}"


def name_of(node: Node) -> str:
    """Return what people call a thing: its path, the name that its tool gives it, or what its URI ends in."""
    for given in ("path", "run_name", "name"):
        if node.attributes.get(given):
            return node.attributes[given]
    return name_at(node.uri)


def name_at(uri: str) -> str:
    """Return a short name for a URI, long numbers cut to their first digits; a URI of no known form stays whole."""
    for pattern, form in _FORMS:
        if match := pattern.fullmatch(uri):
            parts = {key: unquote(value) for key, value in match.groupdict().items()}
            return _HEX.sub(lambda found: found.group()[:DIGITS], form.format(**parts))
    return _HEX.sub(lambda found: found.group()[:DIGITS], unquote(uri))


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return names as one reads them: `Ben, Cleo and 3 more`."""
    shown = list(names[:most]) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def day_of(at: datetime) -> str:
    """Return a day as `29 Nov 2026`, in UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def moment_of(at: datetime) -> str:
    """Return a moment as `29 Nov 2026 at 21:52 UTC`."""
    return f"{day_of(at)} at {at.astimezone(UTC):%H:%M} UTC"


# Not %b: that follows the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
