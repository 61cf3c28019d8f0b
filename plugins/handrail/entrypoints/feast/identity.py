"""The identity of Feast's views and services: a hash of what they compute, equal in every clone and after every apply.

Feast's own form changes with each apply. Feast is not imported here; what has a `to_proto` is enough.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from textwrap import dedent
from typing import Any
from urllib.parse import unquote, urlsplit

NOT_IDENTITY = frozenset(
    {
        *("meta", "tags", "description", "owner", "version", "createdTimestamp", "lastUpdatedTimestamp"),
        *("body", "ibisFunction"),
    }
)
"""Parts of a specification that change without changing what is computed. The last two are pickles."""

WITHOUT_ENTITY = [{"name": "__dummy_id", "valueType": "STRING"}]
"""What Feast writes into a view without an entity when it registers it, and not before."""

PLACES = ("uri", "path")
CODE = "bodyText"


def spec_hash(thing: Any) -> str:
    """Return the sha256 of a view's or service's canonical specification.

    Schema, entities, time to live, sources and code of transformations count; comments, decorators, tags, descriptions,
    owners and the order of lists do not. A source's place counts as it is written, except that of an absolute path only
    the file's name does: the folder is another one in every clone.
    """
    from google.protobuf.json_format import MessageToDict

    return _digest(_canonical(MessageToDict(thing.to_proto().spec)))


def identity_of(service: Any, views: Iterable[Any]) -> dict[str, Any]:
    """Return {"name", "spec_hash", "views": {name: spec hash}} of a service over `views`; its hash covers theirs."""
    return identity_over(service, {view.name: spec_hash(view) for view in views})


def identity_over(service: Any, views: Mapping[str, str]) -> dict[str, Any]:
    """Return what `identity_of` does, from the hashes of the views by their names."""
    hashes = dict(sorted(views.items()))
    return {
        "name": service.name,
        "spec_hash": _digest({"service": spec_hash(service), "views": hashes}),
        "views": hashes,
    }


def portable(place: str) -> str:
    """Return a source's place without what differs from clone to clone: of an absolute path, the file's name."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return PurePath(unquote(parts.path)).name
    return PurePath(place).name if PurePath(place).is_absolute() else place


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        places = _places(value)
        return {
            key: _plain(key, inner, places)
            for key, inner in sorted(value.items())
            if key not in NOT_IDENTITY and inner != WITHOUT_ENTITY
        }
    if isinstance(value, list):
        return sorted((_canonical(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


def _plain(key: str, value: Any, places: set[str]) -> Any:
    if isinstance(value, str) and (key in PLACES or (key == "name" and value in places)):
        return portable(value)
    return _without_comments(value) if key == CODE and isinstance(value, str) else _canonical(value)


def _places(value: Mapping[str, Any]) -> set[str]:
    """Return the places that a source lies at: Feast names a source after its path if nobody else does."""
    inner = [part for part in value.values() if isinstance(part, Mapping)]
    return {str(part[key]) for part in inner for key in PLACES if key in part}


def _without_comments(code: str) -> str:
    """Return a function's text from its `def` on without comments, otherwise as it is written."""
    try:
        text = _without_decorators(code)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return code
    lines: list[str | None] = list(text.splitlines(keepends=True))
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            kept = (lines[row - 1] or "")[:column].rstrip()
            lines[row - 1] = kept + "\n" if kept else None
    return "".join(line for line in lines if line is not None)


def _without_decorators(code: str) -> str:
    first = ast.parse(dedent(code)).body[0]
    if isinstance(first, ast.FunctionDef) and first.decorator_list:
        return "".join(code.splitlines(keepends=True)[first.lineno - 1 :])
    return code


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
