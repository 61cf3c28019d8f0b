"""Which request a person means who names a version, an alias or digits in place of the request's id."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from handrail.entrypoints.http.gate_client import GateClient
from handrail.errors import InvalidInput, UnknownReference

WHOLE = re.compile(r"pr-[0-9a-f]{20}")
PROMOTED = "promoted"
MOST_SHOWN = 5
LIKENESS = 0.6
Row = Mapping[str, Any]


def find_request(client: GateClient, given: str) -> str:
    """Return the id of the request that is meant; a whole id is taken as it is.

    Raises:
        UnknownReference: there is none; the sentence names what is written much alike.
        InvalidInput: several fit.
    """
    return given if WHOLE.fullmatch(given) else choose(given, client.requests())


def choose(given: str, rows: Sequence[Row]) -> str:
    """Return the id of the request that is meant, of some requests, oldest first.

    `name@alias` is the last promotion of that alias, else the last request about it.
    """
    named = given.removeprefix("models:/")
    about = [row for row in rows if named == f"{row['model']}@{row['alias']}"]
    if about:
        promoted = [row for row in about if row["verdict"] == PROMOTED]
        return str((promoted or about)[-1]["request_id"])
    fitting = [row for row in rows if _fits(named, row)]
    if len(fitting) == 1:
        return str(fitting[0]["request_id"])
    if fitting:
        listed = ", ".join(f"{row['request_id']} ({row['alias']}, {row['verdict']})" for row in fitting[:MOST_SHOWN])
        more = f" and {len(fitting) - MOST_SHOWN} more" if len(fitting) > MOST_SHOWN else ""
        raise InvalidInput("request", f"{given!r} fits several requests: {listed}{more}", "Give one of these ids.")
    known = {name for row in rows for name in _names(row)}
    close = difflib.get_close_matches(named, sorted(known), 3, LIKENESS)
    remedy = f"Close to it: {', '.join(close)}." if close else "See them all: handrail approvals list."
    raise UnknownReference("request", given, remedy)


def _names(row: Row) -> tuple[str, ...]:
    return str(row["request_id"]), f"{row['model']}/{row['version']}", f"{row['model']}@{row['alias']}"


def _fits(named: str, row: Row) -> bool:
    digits = named.removeprefix("sha256:")
    is_tree = len(digits) >= 7 and str(row["tree_digest"]).removeprefix("sha256:").startswith(digits)
    return named == f"{row['model']}/{row['version']}" or is_tree or _begins(named, str(row["request_id"]))


def _begins(named: str, request_id: str) -> bool:
    return named.startswith("pr-") and len(named) > len("pr-") and request_id.startswith(named)
