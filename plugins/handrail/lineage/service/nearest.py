"""Which known names are written much as a name that nothing has: typing errors, and a wrong version or alias."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from handrail.lineage.ports import LineagePorts
from handrail.refs import ModelAlias

SHOWN = 3
SAMPLED = 300
"""How many names of a sort are compared: an error has to come at once, also where there are millions."""
LONGEST = 200
LIKENESS = 0.6
_VERSION = re.compile(r"mlflow://[^/]+/registered/(?P<name>[^/]+)/[0-9]+/(?P<version>[0-9]+)")
_FORMS: Sequence[tuple[str, re.Pattern[str], str]] = tuple(
    (scheme, re.compile(pattern), form)
    for scheme, pattern, form in (
        ("bento://", r"bento://(?P<a>[^/]+)/(?P<b>.+)", "{a}:{b}"),
        ("deploy://", r"(?P<a>.+)", "{a}"),
        ("approval://", r"approval://[^/]+/(?P<a>pr-[0-9a-f]+)", "{a}"),
        ("actor://", r"actor://[^/]+/(?P<a>.+)", "{a}"),
        ("feast://", r"feast://[^/]+/(?P<a>feature_(?:view|service)/[^@]+)@.*", "{a}"),
    )
)


def nearest_names(ref: str, ports: LineagePorts, servers: Iterable[str]) -> Sequence[str]:
    """Return known names like `ref`, as a person would write them, the nearest first; none for a very long one.

    `servers` are the MLflow servers that lineage knows, as `mlflow://<server>`.
    """
    if len(ref) > LONGEST:
        return ()
    asked = ref.removeprefix("models:/").removeprefix("./")
    known = {name.lower(): name for name in known_names(ports, servers)}
    if "/" in asked and "://" not in asked:
        known |= {path.lower(): path for path in known_paths(ports, asked.partition("/")[0])}
    close = difflib.get_close_matches(asked.lower(), known, SHOWN, LIKENESS)
    return [known[name] for name in close]


def known_names(ports: LineagePorts, servers: Iterable[str]) -> Iterator[str]:
    """Yield names of things as a person would write them, up to `SAMPLED` of each sort."""
    for name in ports.pointers.names()[:SAMPLED]:
        yield name.removeprefix(ModelAlias.PREFIX)
    for uri in (uri for server in servers for uri in ports.graph.find(f"{server}/registered/", SAMPLED)):
        if match := _VERSION.fullmatch(uri):
            yield f"{unquote(match['name'])}/{match['version']}"
    for scheme, pattern, form in _FORMS:
        for uri in ports.graph.find(scheme, SAMPLED):
            if match := pattern.fullmatch(uri):
                yield form.format(**{key: unquote(value) for key, value in match.groupdict().items()})


def known_paths(ports: LineagePorts, folder: str) -> Iterator[str]:
    """Yield paths of the project that begin much as the first folder of what was asked for does."""
    place = f"dvc://{ports.repository}/"
    for begin in dict.fromkeys((f"{place}{folder}", f"{place}{folder[:1]}")):
        for uri in ports.graph.find(begin, SAMPLED):
            yield unquote(uri.removeprefix(place).rpartition("@")[0])
