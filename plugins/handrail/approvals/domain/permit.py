"""The permit: a signed statement that lets exactly one tree of files be served, and who allowed it.

An in-toto Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) in a DSSE envelope
(https://github.com/secure-systems-lab/dsse/blob/master/protocol.md).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail.approvals.domain.judging import Judgement
from handrail.approvals.domain.policy import Measured
from handrail.approvals.domain.signatures import signed_by
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.domain.terms import Terms
from handrail.manifest import Manifest, canonical_json
from handrail.refs import ModelVersion, Use

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:handrail:permit:v2"
FIRST_PREDICATE_TYPE = "urn:handrail:permit:v1"
"""What release 0.1.0 wrote: it can be read, and is never enough to serve."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clock of a verifier may be behind the clock of the gate."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def pre_authentication_encoding(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that are signed: DSSE's PAE of the payload and its type."""
    kind = payload_type.encode("ascii")
    return b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload))


def make_statement(
    request: PromotionRequest, judgement: Judgement, issued: str, terms: Terms, measures: Sequence[Measured] = ()
) -> dict[str, Any]:
    """Return the statement for an approved request; the same arguments give the same statement.

    `issued` is an ISO 8601 moment in UTC; `measures` say of each rule what is known, at which level and by whom.
    """
    subject = request.subject
    attestations = {name: one.to_json() for name, one in request.attested.items()}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": f"{subject.model}/{subject.version}",
                "digest": {"sha256": subject.tree_digest.removeprefix("sha256:")},
            }
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": subject.to_json()
        | terms.to_json()
        | {
            "request_id": request.request_id,
            "run_id": request.run_id,
            "manifest": request.manifest.to_json(),
            "authors": list(request.authors),
            "requester": request.requester,
            "approvers": [
                {"person": decision.person, "account": decision.account, "at": decision.at.isoformat()}
                | signed_by(decision.signature)
                for decision in judgement.approvers
            ],
            "issued": issued,
            "measures": [measured.to_json() for measured in measures],
            # Only where it is used: permits from before are drafted as they were.
            **({"attestations": attestations} if attestations else {}),
        },
    }


@dataclass(frozen=True, slots=True)
class Permit:
    """What a permit states. Nothing here is verified yet: `PermitVerifier` does that.

    A permit of release 0.1.0 has no `terms`. `purpose` is that of a request with a short way. `prompt` says that the
    model is a prompt: what is permitted are its texts, and there is nothing to load as a model.
    """

    request_id: str
    server: str
    model: str
    epoch: int
    version: int
    alias: str
    tree_digest: str
    policy_digest: str
    evidence: Mapping[str, str]
    run_id: str | None
    authors: tuple[str, ...]
    approvers: tuple[str, ...]
    issued: str
    manifest: Manifest
    terms: Terms | None = None
    purpose: str | None = None
    prompt: bool = False

    @property
    def use(self) -> Use:
        """The one use that it allows; without terms in no environment at all."""
        return Use(self.server, self.model, self.alias, self.terms.environment if self.terms else "")

    @property
    def uri(self) -> str:
        """`approval://<server>/<request id>`."""
        return f"approval://{self.server}/{self.request_id}"

    @property
    def model_version(self) -> ModelVersion:
        """The registered version that the permit is for."""
        return ModelVersion(self.server, self.model, self.epoch, self.version)

    @classmethod
    def from_payload(cls, payload: bytes) -> Permit:
        """Read a statement.

        Raises:
            ValueError: it is not a statement as `make_statement` makes it, or contradicts itself.
        """
        try:
            statement = json.loads(payload)
            kind = statement["predicateType"]
            if statement["_type"] != STATEMENT_TYPE or kind not in (PREDICATE_TYPE, FIRST_PREDICATE_TYPE):
                raise ValueError("it is a statement of another kind")
            fields = dict(statement["predicate"])
            permit = cls(
                **{name: fields[name] for name in ("request_id", "server", "model", "epoch", "version", "alias")},
                **{name: fields[name] for name in ("tree_digest", "policy_digest", "evidence", "run_id", "issued")},
                authors=tuple(fields["authors"]),
                approvers=tuple(row["person"] for row in fields["approvers"]),
                manifest=Manifest.from_json(fields["manifest"]),
                terms=Terms.from_json(fields) if kind == PREDICATE_TYPE else None,
                purpose=fields.get("purpose"),
                prompt=fields.get("prompt", False) is True,
            )
            subject = "sha256:" + statement["subject"][0]["digest"]["sha256"]
        except (KeyError, TypeError, IndexError, RecursionError) as err:
            raise ValueError(f"its statement lacks a part: {err}") from err
        if not permit.manifest.digest == permit.tree_digest == subject:
            raise ValueError("its list of files does not match its digest")
        return permit


def why_unusable(permit: Permit, expect: Use, now: datetime) -> str | None:
    """Return why a permit does not allow this use at this moment, None if it does; its signature is checked elsewhere.

    The sentence says both uses.
    """
    terms = permit.terms
    both = f"It allows {permit.use}, and what is wanted is {expect}."
    if terms is None:
        return (
            f"The permit is of release 0.1.0: it names no environment and never expires. {both} "
            "Ask for the promotion of the same version again."
        )
    if permit.use != expect:
        return f"The permit is for another use. {both}"
    if not permit.approvers:
        return f"The permit names nobody who approved it. {both}"
    if now < datetime.fromisoformat(permit.issued) - CLOCKS_DIFFER:
        return f"The permit was issued at {permit.issued}, and the clock here says {now.isoformat()}. {both}"
    if now >= terms.expires:
        return (
            f"The permit expired at {terms.expires.isoformat()}. {both} "
            "Ask for the promotion of the same version again."
        )
    return None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope: a payload and signatures over its PAE, by key id."""

    payload: bytes
    signatures: Mapping[str, bytes]
    payload_type: str = PAYLOAD_TYPE

    def to_json(self) -> str:
        """Return the envelope as canonical JSON text."""
        return canonical_json(
            {
                "payloadType": self.payload_type,
                "payload": base64.b64encode(self.payload).decode("ascii"),
                "signatures": [
                    {"keyid": key_id, "sig": base64.b64encode(signature).decode("ascii")}
                    for key_id, signature in sorted(self.signatures.items())
                ],
            }
        ).decode("utf-8")

    @classmethod
    def from_json(cls, text: str | bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
        """Read an envelope of that payload type.

        Raises:
            ValueError: it is not an envelope, or has another payload type.
        """
        try:
            fields = json.loads(text)
            if fields["payloadType"] != payload_type:
                raise ValueError(f"its payload type is {fields['payloadType']!r}")
            return cls(
                base64.b64decode(fields["payload"], validate=True),
                {row["keyid"]: base64.b64decode(row["sig"], validate=True) for row in fields["signatures"]},
                payload_type,
            )
        except (KeyError, TypeError, binascii.Error, RecursionError) as err:
            raise ValueError(f"it is not a DSSE envelope: {err}") from err
