"""What can be asked over the keeper's socket, each call with the port that answers it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from handrail.approvals.adapters.event_rows import request_from
from handrail.approvals.adapters.keeper_values import (
    candidate_from,
    confirmed_from,
    event_from_values,
    history_values,
    manifest_from,
    moment_values,
    plan_from,
    promotion_values,
    question_from,
)
from handrail.approvals.adapters.rule_rows import change_from, decision_from, rules_body, rules_from
from handrail.approvals.adapters.socket_rules import change_history_values
from handrail.approvals.adapters.sql_findings import body_of, event_from, kind_of
from handrail.approvals.domain.attempts import Attempt, AttemptKind
from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.pages import Listing
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.predictions import Foretelling
from handrail.approvals.service.custody import Custody
from handrail.errors import UnknownReference

Said = Mapping[str, Any]
Call = Callable[[Said, Sequence[int]], Any]
"""Answers a question, with the descriptors of files that came with it. What it yields goes out bit by bit."""


def calls_of(custody: Custody) -> dict[str, Call]:
    """Return every call by its name: `<port>.<method>`."""
    return {
        "keeper.server": lambda _said, _files: custody.server,
        **_ledger_calls(custody),
        **_index_calls(custody),
        **_finding_calls(custody),
        **_rule_calls(custody),
        **_custody_calls(custody),
        **_attempt_calls(custody),
        **_signing_calls(custody),
        **_evidence_calls(custody),
        **_nonce_calls(custody),
    }


def _ledger_calls(custody: Custody) -> dict[str, Call]:
    ledger = custody.ledger

    def append(said: Said, _files: Sequence[int]) -> None:
        try:
            stored = ledger.load(said["request_id"])
        except UnknownReference as err:
            raise MovedMeanwhile(said["request_id"]) from err
        if len(stored.events) != said["after"]:
            raise MovedMeanwhile(said["request_id"])
        ledger.append(stored, event_from_values(said["event"]))

    return {
        "ledger.open": lambda said, _: history_values(ledger.open(request_from(said["request"]))),
        "ledger.append": append,
        "ledger.load": lambda said, _: history_values(ledger.load(said["request_id"])),
    }


def _index_calls(custody: Custody) -> dict[str, Call]:
    index = custody.index

    def page(said: Said, _files: Sequence[int]) -> Iterator[Any]:
        found = index.page(said["after"], said["most"], Listing(**said["wanted"]))
        yield {"after": found.after}
        yield from map(history_values, found.histories)

    def find(said: Said, _files: Sequence[int]) -> Iterator[Any]:
        return map(history_values, index.find(alias=said["alias"], subject_key=said["subject_key"]))

    return {
        "index.find": find,
        "index.promoted": lambda _said, _: map(asdict, index.promoted()),
        "index.promotions": lambda _said, _: map(promotion_values, index.promotions()),
        "index.page": page,
        "index.unfinished": lambda _said, _: map(history_values, index.unfinished()),
        "index.kept_for": lambda said, _: asdict(index.kept_for(said["requester"])),
        "index.rejections": lambda said, _: (each.to_json() for each in index.rejections(said["tree_digests"])),
        "index.permit": lambda said, _: index.permit(said["server"], said["model"], said["alias"], said["tree_digest"]),
    }


def _finding_calls(custody: Custody) -> dict[str, Call]:
    findings = custody.findings
    return {
        "findings.models": lambda _said, _: list(findings.models()),
        "findings.events": lambda said, _: ([kind_of(one), body_of(one)] for one in findings.events(said["model"])),
        "findings.append": lambda said, _: findings.append(said["model"], said["known"], event_from(*said["event"])),
    }


def _rule_calls(custody: Custody) -> dict[str, Call]:
    rules = custody.rules

    def in_force(said: Said, _files: Sequence[int]) -> dict[str, Any] | None:
        found = rules.in_force()
        if found is None:
            return None
        return {"number": found.number, "rules": None if found.number == said["known"] else rules_body(found)}

    def append(said: Said, _files: Sequence[int]) -> dict[str, Any]:
        stored = rules.load(said["change_id"])
        if len(stored.decided) != said["after"]:
            raise MovedMeanwhile(said["change_id"])
        adopted = rules_from(said["adopted"]) if said["adopted"] else None
        return change_history_values(rules.append(stored, decision_from(said["decision"]), adopted))

    return {
        "rules.in_force": in_force,
        "rules.all_in_force": lambda _said, _: map(rules_body, rules.all_in_force()),
        "rules.take": lambda said, _: rules.take(rules_from(said["taken"])),
        "rules.open": lambda said, _: change_history_values(rules.open(change_from(said["change"]))),
        "rules.append": append,
        "rules.load": lambda said, _: change_history_values(rules.load(said["change_id"])),
        "rules.changes": lambda _said, _: map(change_history_values, rules.changes()),
    }


def _custody_calls(custody: Custody) -> dict[str, Call]:
    provenance, holds = custody.provenance, custody.holds
    return {
        "provenance.record": lambda said, _: provenance.record(said["kind"], said["key"], said["account"]),
        "provenance.record_upload": lambda said, _: provenance.record_upload(said["sha256"], said["account"]),
        "provenance.record_parent": lambda said, _: provenance.record_parent(said["run_id"], said["parent"]),
        "provenance.record_all": lambda said, _: provenance.record_all(map(tuple, said["records"])),
        "provenance.makers": lambda said, _: asdict(
            provenance.makers(candidate_from(said["candidate"]), manifest_from(said["manifest"]), said["approved"])
        ),
        "holds.hold": lambda said, _: holds.hold(candidate_from(said["candidate"]), said["holder"]),
        "holds.release": lambda said, _: holds.release(
            said["holder"], datetime.fromisoformat(said["at"]), said["reason"]
        ),
        "holds.holders": lambda _said, _: iter(sorted(holds.holders())),
        "holds.holder": lambda said, _: holds.holder(said["kind"], said["key"]),
        "holds.holder_of_path": lambda said, _: holds.holder_of_path(said["path"]),
    }


def _attempt_calls(custody: Custody) -> dict[str, Call]:
    def note(said: Said, _files: Sequence[int]) -> None:
        at = datetime.fromisoformat(said["at"])
        custody.attempts.note(
            Attempt(AttemptKind(said["kind"]), str(said["account"]), str(said["sentence"]), at, int(said["count"]))
        )

    return {"attempts.note": note}


def _signing_calls(custody: Custody) -> dict[str, Call]:
    signer, shelf = custody.signer, custody.shelf

    def put(said: Said, _files: Sequence[int]) -> None:
        shelf.put(Permit.from_payload(Envelope.from_json(said["envelope"]).payload), said["envelope"])

    return {
        "signer.sign": lambda said, _: signer.sign(
            base64.b64decode(said["payload"], validate=True), said["payload_type"]
        ).to_json(),
        "shelf.put": put,
        "shelf.put_revoked": lambda said, _: shelf.put_revoked(said["envelope"]),
    }


def _evidence_calls(custody: Custody) -> dict[str, Call]:
    predictions = custody.predictions
    snapshots, book, looks, evaluator = custody.snapshots, custody.snapshot_book, custody.looks, custody.evaluator

    def keep(said: Said, files: Sequence[int]) -> str:
        (descriptor,) = files
        with os.fdopen(os.dup(descriptor), "rb") as content:
            return snapshots.keep(content, said["model"], said["account"], datetime.fromisoformat(said["at"]))

    def commit(said: Said, files: Sequence[int]) -> dict[str, str]:
        (descriptor,) = files
        with os.fdopen(os.dup(descriptor), "rb") as content:
            return predictions.commit(content, Foretelling(**said["said"])).to_json()

    return {
        "snapshots.keep": keep,
        "snapshots.path": lambda said, _: snapshots.path(said["digest"]),
        "snapshots.custodians": lambda said, _: list(snapshots.custodians(said["digest"])),
        "snapshots.handed_in": lambda said, _: map(moment_values, book.handed_in(said["model"])),
        "snapshots.confirm": lambda said, _: book.confirm(confirmed_from(said["confirmation"])),
        "snapshots.confirmations": lambda said, _: map(moment_values, book.confirmations(said["digest"])),
        "predictions.commit": commit,
        "predictions.committed": lambda said, _: (one.to_json() for one in predictions.committed(said["tree_digest"])),
        "predictions.path": lambda said, _: predictions.path(said["digest"]),
        "looks.look": lambda said, _: looks.look(said["model"], said["snapshot"], said["tree_digest"], said["budget"]),
        "evaluator.evaluate": lambda said, _: asdict(evaluator.evaluate(question_from(said["question"]))),
        "evaluator.describe": lambda said, _: evaluator.describe(plan_from(said["plan"]), "", said["digest"]).to_json(),
    }


def _nonce_calls(custody: Custody) -> dict[str, Call]:
    nonces, moment = custody.nonces, datetime.fromisoformat
    return {
        "nonces.issue": lambda said, _: nonces.issue(
            said["purpose"], said["account"], moment(said["now"]), moment(said["expires"])
        ),
        "nonces.spend": lambda said, _: nonces.spend(
            said["nonce"], said["purpose"], said["request_id"], moment(said["now"])
        ),
    }
