"""The page of what answers now: slots, the version behind each, under which permit, and every rollout before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from shlex import quote
from typing import Any
from urllib.parse import unquote

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import read_splits
from handrail.entrypoints.answers.chain_facts import PERMIT, allowed_by
from handrail.entrypoints.answers.slots import is_shadow, slot_of
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.split_rows import beside
from handrail.entrypoints.console.words import counted
from handrail.errors import HandrailError, UnknownReference
from handrail.feedback import DeploymentRecord
from handrail.lineage import Lineage, Period
from handrail.refs import ModelAlias

Row = dict[str, Any]
Reads = Callable[[str], bool]
"""Whether the person may read what is recorded of a model, by the URI of its version; empty where none is known."""

ALIAS = "champion"
"""The alias of a deployment whose permit cannot be read here."""
MOST_SLOTS = 50
MOST_ROLLOUTS = 20
_SLOT = re.compile(r"deploy://[^/]+/[^/]+")
_VERSION = re.compile(r"mlflow://([^/]+)/registered/([^/]+)/\d+/(\d+)|models:/([^/]+)/(\d+)")


def everything(_version: str) -> bool:
    """Let a person read all models: for hosts whose logins are not about single ones."""
    return True


def model_of(version: str | None) -> tuple[str, str, str] | None:
    """Return server, model and version that a URI names; None if it names no registered version."""
    found = _VERSION.fullmatch(version or "")
    if found is None:
        return None
    return found[1] or "", unquote(found[2] or found[4]), found[3] or found[5]


def deployments_page(
    platform: Platform,
    lineage: Lineage,
    service: str,
    reads: Reads = everything,
    named: Callable[[str], str] | None = None,
) -> Page:
    """Return what each slot points at and pointed at before, of one service or of all.

    Args:
        platform: knows predictions, and the gate's requests where they can be read here.
        lineage: knows where slots point.
        service: the name of a bento, or of a slot; empty for all.
        reads: what the person may read.
        named: gives the person behind an account, on a host that has pages of requests too; None on others.

    Raises:
        UnknownReference: no slot that the person may read has that name.
    """
    names = [name for name in lineage.pointer_names() if _SLOT.fullmatch(name)]
    wanted = [name for name in names if service in ("", name, unquote(name.rpartition("/")[2]))]
    records = {each.uri: each for each in platform.feedback.deployments()} if wanted else {}
    # Rights first: also how many there are is about models that a person may not read.
    mine = {name: shown for name in wanted if (shown := _readable(lineage, name, records, reads))}
    slots = [_slot(platform, lineage, name, shown, records) for name, shown in islice(mine.items(), MOST_SLOTS)]
    splits, all_names = read_splits(platform), set(names)
    for slot in slots:
        _divide(platform, slot, beside(splits, slot_of(slot["name"]), reads, named or str))
        slot["shadow"] = is_shadow(slot["name"], all_names)
        if slot["shadow"]:
            _in_shadow(slot)
    if service and not slots:
        raise UnknownReference("service", service, "See which there are: /handrail/deployments.")
    for row in (row for slot in slots for row in slot["rollouts"]):
        row["by"] = named(row["by"]) if named else row["by"]
    facts = {"service": service, "slots": slots, "more": max(len(mine) - MOST_SLOTS, 0)}
    title = f"What answers for {service or 'every service'} now"
    return Page("deployments.html", title, facts, 200, {"requests": named is not None})


def _in_shadow(slot: Row) -> None:
    """Say of a slot that nobody gets its answers: no alias is ahead of it, and nothing goes back."""
    slot |= {"ahead": None, "back": None}
    if slot["now"] is not None:
        slot["now"] |= {"traffic": 0.0, "verdict": {"kind": "flat", "text": "in shadow: nobody gets its answers"}}


def _divide(platform: Platform, slot: Row, found: Row) -> None:
    """Add who answers beside the champion of a slot."""
    counts = platform.feedback.count_predictions([row["deployment"] for row in found["rows"]])
    for row in (*found["rows"], *found["ended"]):
        named = model_of(row["model_version"])
        row |= {"model": named[1] if named else None, "version": named[2] if named else None}
        row["predictions"] = counts.get(row.get("deployment", ""), 0)
    slot["beside"] = found
    if slot["now"] is not None:
        slot["now"]["traffic"] = found["champion"]


def _readable(lineage: Lineage, name: str, records: Mapping[str, DeploymentRecord], reads: Reads) -> list[Period]:
    """Return what a slot pointed at that the person may read, the last first; nothing if that is nothing but gaps."""
    periods = lineage.timeline(name)[::-1]
    shown = [each for each in periods if each.target is None or reads(_version(records, each.target))]
    return shown if any(each.target for each in shown) else []


def _slot(
    platform: Platform,
    lineage: Lineage,
    name: str,
    shown: Sequence[Period],
    records: Mapping[str, DeploymentRecord],
) -> Row:
    uris = sorted({each.target for each in shown[:MOST_ROLLOUTS] if each.target})
    counts = platform.feedback.count_predictions(uris)
    permits = {uri: _permit(platform, lineage, uri) for uri in uris}
    rows = [_rollout(each, records, counts, permits) for each in shown[:MOST_ROLLOUTS]]
    now = rows[0] if rows[0]["until"] is None else None
    ahead = alias_ahead(lineage, now)
    if now is not None and ahead is not None and now["verdict"]["kind"] != "bad":
        now["verdict"] = {"kind": "warn", "text": f"not the {ahead['alias']} of now"}
    return {
        "name": name,
        "service": unquote(name.rpartition("/")[2]),
        "environment": unquote(name.split("/")[2]),
        "now": now,
        "ahead": ahead,
        "back": _back(unquote(name.rpartition("/")[2]), now, rows, is_behind=ahead is not None),
        "rollouts": rows,
        "count": counted(len(shown), "rollout"),
        "hidden": len(shown) - len(rows),
    }


def alias_ahead(lineage: Lineage, now: Row | None) -> Row | None:
    """Return at which other version the alias of a slot's permit points, and since when; None if the slot follows it.

    Moving an alias moves no traffic: the slot stays behind until that version is deployed.
    """
    named = model_of(now["model_version"]) if now else None
    if now is None or named is None:
        return None
    alias = (now["permit"] or {}).get("alias") or ALIAS
    period = _pointing(lineage, ModelAlias(named[1], alias).pointer)
    target = model_of(period.target) if period else None
    if period is None or target is None or target == named or target[:2] != named[:2]:
        return None
    return {"model": named[1], "alias": alias, "version": target[2], "since": _iso(period.since)}


def slots_behind(platform: Platform, lineage: Lineage, version: str) -> list[Row]:
    """Return each slot that answers with another version of the model than this one, by URI, and with which since when.

    These are the services that do not follow yet where an alias moved to that version.
    """
    wanted, found = model_of(version), list[Row]()
    records = {each.uri: each for each in platform.feedback.deployments()}
    names = {name for name in lineage.pointer_names() if _SLOT.fullmatch(name)}
    for name in sorted(name for name in names if not is_shadow(name, names)):
        period = _pointing(lineage, name)
        named = model_of(_version(records, period.target or "")) if period else None
        if period and wanted and named and named[:2] == wanted[:2] and named != wanted:
            where = {"service": unquote(name.rpartition("/")[2]), "environment": unquote(name.split("/")[2])}
            found.append({"name": name, **where, "version": named[2], "since": _iso(period.since)})
    return found


def _pointing(lineage: Lineage, name: str) -> Period | None:
    """Return since when a moving name points at what it points at now; None if it points at nothing."""
    with suppress(UnknownReference):
        last = lineage.timeline(name)[-1]
        return last if last.until is None and last.target else None
    return None


def _version(records: Mapping[str, DeploymentRecord], uri: str) -> str:
    record = records.get(uri)
    return (record.model_version_uri if record else None) or ""


def _rollout(
    period: Period,
    records: Mapping[str, DeploymentRecord],
    counts: Mapping[str, int],
    permits: Mapping[str, Row | None],
) -> Row:
    uri = period.target or ""
    record, named = records.get(uri), model_of(_version(records, uri))
    permit = permits.get(uri)
    return {
        "deployment": uri or None,
        "label": unquote(uri.rpartition("/")[2]) if uri else None,
        "model": named[1] if named else None,
        "version": named[2] if named else None,
        "model_version": record.model_version_uri if record else None,
        "tree_digest": record.tree_digest if record else None,
        "bento": record.bento_uri if record else None,
        "since": _iso(period.since),
        "until": _iso(period.until),
        "by": period.by,
        "traffic": (1.0 if uri else 0.0) if period.until is None else None,
        "predictions": counts.get(uri, 0) if uri else None,
        "permit": permit,
        "verdict": _verdict(uri, permit),
    }


def _verdict(uri: str, permit: Row | None) -> Row:
    if not uri:
        return {"kind": "bad", "text": "the slot was emptied"}
    if permit is None:
        return {"kind": "warn", "text": "no permit is recorded"}
    if permit["revoked"]:
        return {"kind": "bad", "text": "its permit was taken back"}
    if permit["use"] is None:
        return {"kind": "flat", "text": "under a permit that is not read here"}
    return {"kind": "good", "text": "under a permit"}


def _permit(platform: Platform, lineage: Lineage, deployment: str) -> Row | None:
    """Return what is known of the permit that a deployment was built under; None if lineage has none."""
    for uri in _permits_of(lineage, deployment):
        row: Row = {"uri": uri, "request_id": uri.rpartition("/")[2], "server": uri.split("/")[2]}
        row |= {"use": None, "people": [], "allowed_at": None, "revoked": None, "model": None, "alias": None}
        # The gate's ledger may lie elsewhere, behind a keeper.
        with suppress(HandrailError):
            view = platform.approvals.request(row["request_id"])
            subject = view.history.request.subject
            if subject.server == row["server"]:
                known = allowed_by(view, {})
                row |= {"use": known.use, "people": [name for name, _ in known.people], "revoked": known.revoked}
                row |= {"allowed_at": _iso(known.at), "model": subject.model, "alias": subject.alias}
        return row
    return None


def _permits_of(lineage: Lineage, deployment: str) -> Iterator[str]:
    with suppress(HandrailError):
        trace = lineage.trace(deployment, depth=2)
        yield from (node.uri for node in trace.nodes if node.kind == PERMIT)


def _back(service: str, now: Row | None, rows: Sequence[Row], *, is_behind: bool) -> Row | None:
    """Return the version before the present one that could be gone back to, with the commands; None if there is none.

    Where the alias went ahead of the slot, that is the version which still answers. A version whose permit was taken
    back is left out.
    """
    if now is None or now["model"] is None:
        return None
    for row in rows if is_behind else rows[1:]:
        same = not is_behind and (row["model"], row["version"]) == (now["model"], now["version"])
        if row["model"] != now["model"] or same or row["permit"] is None or row["permit"]["revoked"]:
            continue
        alias = row["permit"]["alias"] or ALIAS
        # Somebody copies it into a shell, and whoever registers a model chooses its name.
        options = f"--model {quote(now['model'])} --alias {quote(alias)} --version {quote(row['version'])}"
        return {
            "model": row["model"],
            "version": row["version"],
            "since": row["since"],
            "slot_command": f"handrail delivery rollback --service {quote(service)} --reason '...'",
            "commands": [
                f"handrail approvals rollback {options} --reason '...'",
                f"handrail approvals break-glass {options} --reason '...'",
            ],
        }
    return None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
