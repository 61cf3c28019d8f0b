"""Fakes of every port of the approvals plugin, with persons and rules for them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from handrail.approvals.adapters.event_rows import request_body
from handrail.approvals.domain.errors import MovedMeanwhile, MoveUnderWay
from handrail.approvals.domain.events import (
    Choice,
    Decided,
    Event,
    History,
    MoveAbandoned,
    MoveDone,
    MoveIntended,
    Rejection,
)
from handrail.approvals.domain.holding import Promotion, holder_of
from handrail.approvals.domain.pages import EVERY, Kept, Listing, Page
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.permit import PAYLOAD_TYPE, Envelope, Permit
from handrail.approvals.domain.policy import Rule
from handrail.approvals.domain.standing import Pointed, Promoted
from handrail.approvals.domain.subject import Candidate, PromotionRequest
from handrail.approvals.evidence_ports import Trees
from handrail.approvals.ports import (
    DecisionJournal,
    Ledger,
    PermitShelf,
    Registry,
    RequestIndex,
    Signer,
)
from handrail.errors import Refused, Unavailable, UnknownReference
from handrail.manifest import FileEntry, Manifest
from handrail.refs import Use

QUORUM = {"ml-engineer": 1, "business-stakeholder": 1}
RULES = (
    Rule("evaluation.roc_auc", at_least=0.74),
    Rule("evaluation.roc_auc", at_most=0.90),
    Rule("parity.max_difference", at_most=1e-5),
    Rule("parity.labels_differ", equals=0),
    Rule("comparison.ci_low", at_least=-0.005, if_replacing=True),
)
EVIDENCE = {"evaluation": {"roc_auc": 0.76}, "parity": {"max_difference": 1e-7, "labels_differ": 0}}
PEOPLE = (
    Person("Ada", frozenset({"ada"}), frozenset({"data-scientist"})),
    Person("Ben", frozenset({"ben", "ben-2"}), frozenset({"ml-engineer"})),
    Person("Cleo", frozenset({"cleo"}), frozenset({"business-stakeholder"})),
)


class MemoryLedger(Ledger, RequestIndex):
    """`Ledger` and `RequestIndex` in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, History] = {}
        self.moving: dict[tuple[str, str, str], str] = {}
        self.permits: list[tuple[str, tuple[str, str, str], str, str]] = []

    def open(self, request: PromotionRequest) -> History:
        return self.stored.setdefault(request.request_id, History(request))

    def append(self, history: History, event: Event) -> History:
        request_id, subject = history.request.request_id, history.request.subject
        if request_id not in self.stored or len(self.stored[request_id].events) != len(history.events):
            raise MovedMeanwhile(request_id)
        slot = (subject.server, subject.model, subject.alias)
        if isinstance(event, MoveIntended):
            self._hold(slot, request_id)
        if isinstance(event, MoveDone):
            self._keep_permit(request_id, event.envelope)
        if isinstance(event, MoveDone | MoveAbandoned) and self.moving.get(slot) == request_id:
            del self.moving[slot]
        self.stored[request_id] = history.then(event)
        return self.stored[request_id]

    def _hold(self, slot: tuple[str, str, str], request_id: str) -> None:
        holder = self.moving.get(slot)
        if holder == request_id:
            raise MovedMeanwhile(request_id)
        if holder:
            raise MoveUnderWay(slot[-1], holder)
        self.moving[slot] = request_id

    def _keep_permit(self, request_id: str, envelope: str) -> None:
        if any(made_for == request_id for made_for, *_ in self.permits):
            raise MovedMeanwhile(request_id)
        permit = Permit.from_payload(Envelope.from_json(envelope).payload)
        named = (permit.server, permit.model, permit.alias)
        self.permits.append((request_id, named, permit.tree_digest, envelope))

    def load(self, request_id: str) -> History:
        if request_id not in self.stored:
            raise UnknownReference("promotion request", request_id, "List them.")
        return self.stored[request_id]

    def find(self, *, alias: str | None = None, subject_key: str | None = None) -> Sequence[History]:
        return [
            history
            for history in self.stored.values()
            if alias in (None, history.request.subject.alias) and subject_key in (None, history.request.subject.key)
        ]

    def promoted(self) -> Sequence[Promoted]:
        newest: dict[tuple[str, str], Promoted] = {}
        for request_id, *_ in self.permits:
            subject = self.stored[request_id].request.subject
            promoted = Promoted(
                subject.model, subject.epoch, subject.alias, subject.version, request_id, subject.purpose
            )
            newest[subject.model, subject.alias] = promoted
        return list(newest.values())

    def promotions(self) -> Sequence[Promotion]:
        permits = [(request_id, named, _permit_of(envelope)) for request_id, named, _, envelope in self.permits]
        return [
            Promotion(
                Promoted(permit.model, permit.epoch, permit.alias, permit.version, request_id),
                holder_of(self.stored[request_id]),
                next((datetime.fromisoformat(p.issued) for _, other, p in permits[at + 1 :] if other == named), None),
                permit.terms.expires if permit.terms else None,
                self.stored[request_id].revoked is not None,
            )
            for at, (request_id, named, permit) in enumerate(permits)
        ]

    def page(self, after: int, most: int, wanted: Listing = EVERY) -> Page:
        numbered = [
            (number, history)
            for number, history in enumerate(self.stored.values(), 1)
            if (number < (after or number + 1) if wanted.newest else number > after)
            and wanted.alias in (None, history.request.subject.alias)
            and (history.done or not wanted.only_promoted)
            and not (wanted.only_unended and (history.voided or history.done))
            and (history.voided or history.done or not wanted.only_ended)
        ]
        if wanted.newest:
            numbered.reverse()
        shown = numbered[:most]
        return Page(tuple(history for _, history in shown), shown[-1][0] if len(numbered) > most else None)

    def unfinished(self) -> Sequence[History]:
        return [each for each in self.stored.values() if each.open_move or (each.done and not each.is_published)]

    def kept_for(self, requester: str) -> Kept:
        mine = [each for each in self.stored.values() if each.request.requester == requester]
        unended = tuple(each.request.request_id for each in mine if not (each.voided or each.done))
        return Kept(unended, sum(len(request_body(each.request)) for each in mine))

    def rejections(self, tree_digests: Iterable[str]) -> Sequence[Rejection]:
        wanted = set(tree_digests)
        found = [
            Rejection(tree, request_id, event.person, event.reason, event.at)
            for request_id, history in self.stored.items()
            if (tree := history.request.subject.tree_digest) in wanted
            for event in history.events
            if isinstance(event, Decided) and event.choice is Choice.REJECT
        ]
        return sorted(found, key=lambda one: one.at)

    def permit(self, server: str, model: str, alias: str, tree_digest: str | None = None) -> str | None:
        found = (
            envelope
            for _, named, digest, envelope in reversed(self.permits)
            if named == (server, model, alias) and tree_digest in (None, digest)
        )
        return next(found, None)


def _permit_of(envelope: str) -> Permit:
    return Permit.from_payload(Envelope.from_json(envelope).payload)


class FakeRegistry(Registry):
    """`Registry` with candidates by model and version; `fail_with` makes the next move fail."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], Candidate] = {}
        self.aliases: dict[tuple[str, str], int] = {}
        self.fail_before: Exception | None = None
        self.fail_after: Exception | None = None
        self.fail_reading: Exception | None = None

    def listed_aliases(self) -> Sequence[Pointed]:
        if self.fail_reading:
            raise self.fail_reading
        epochs = {candidate.model: candidate.epoch for candidate in self.versions.values()}
        prompts = {candidate.model for candidate in self.versions.values() if candidate.is_prompt}
        return [
            Pointed(model, epochs[model], alias, version, model in prompts)
            for (model, alias), version in self.aliases.items()
        ]

    def candidate(self, model: str, version: str) -> Candidate:
        found = self.versions.get((model, int(version))) if version.isdecimal() else None
        if found is None:
            raise UnknownReference("registered model", f"{model}/{version}", "Register it.")
        return found

    def incumbent(self, model: str, alias: str) -> int | None:
        if all(name != model for name, _ in self.versions):
            raise UnknownReference("registered model", model, "Register it.")
        return self.aliases.get((model, alias))

    def point(self, model: str, alias: str, version: int) -> None:
        error, self.fail_before = self.fail_before, None
        if error:
            raise error
        if (model, version) not in self.versions:
            raise Unavailable(f"Moving {alias!r} of {model!r}", f"there is no version {version}", "Register it.")
        self.aliases[model, alias] = version
        error, self.fail_after = self.fail_after, None
        if error:
            raise error


class FakeTrees(Trees):
    """`Trees` with contents by path."""

    def __init__(self) -> None:
        self.content: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []

    def manifest(self, tree: str) -> Manifest:
        self.asked.append(tree)
        if tree not in self.content:
            raise UnknownReference("artifact tree", tree, "Check the path.")
        entries = [
            FileEntry(path, len(content), hashlib.sha256(content).hexdigest())
            for path, content in self.content[tree].items()
        ]
        unfinished = [path for path in self.content[tree] if path.rpartition("/")[2].startswith(".artifact.uploading.")]
        if unfinished:
            raise Refused(tree, (f"{unfinished[0]!r} is an upload that has not ended.",))
        try:
            return Manifest.of(entries)
        except ValueError as err:
            raise Refused(tree, (str(err),)) from err


class FakeSigner(Signer):
    """`Signer` whose signature is a hash."""

    def sign(self, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
        return Envelope(payload, {"fake": base64.b64encode(hashlib.sha256(payload).digest())}, payload_type)


class MemoryShelf(PermitShelf):
    """`PermitShelf` in memory; `fail_with` makes the next call fail."""

    def __init__(self) -> None:
        self.permits: dict[tuple[Use, str], str] = {}
        self.revoked = ""
        self.fail_with: Exception | None = None

    def put(self, permit: Permit, envelope: str) -> None:
        error, self.fail_with = self.fail_with, None
        if error:
            raise error
        self.permits[permit.use, permit.tree_digest] = envelope

    def put_revoked(self, envelope: str) -> None:
        self.revoked = envelope


class MemoryJournal(DecisionJournal):
    """`DecisionJournal` in memory."""

    def __init__(self) -> None:
        self.promotions: dict[str, tuple[Permit, str]] = {}

    def promoted(self, permit: Permit, envelope: str, moved_at: str) -> None:
        self.promotions[permit.request_id] = (permit, moved_at)
