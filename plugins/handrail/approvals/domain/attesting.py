"""Evidence that a pipeline has signed: an in-toto statement about one tree, made for one request.

Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md). Its envelope and the signature
are checked elsewhere; here is what it has to say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from handrail.approvals.domain.permit import STATEMENT_TYPE
from handrail.approvals.domain.subject import Attestation, Candidate, PromotionRequest
from handrail.errors import Refused
from handrail.manifest import Manifest, canonical_json, digest_of

NONCE, INCUMBENT, COMPARISON = "nonce", "incumbent", "comparison"


@dataclass(frozen=True, slots=True)
class Identity:
    """A pipeline that may sign evidence: its Ed25519 key, and for which person or service of roles.yaml it acts.

    `public_key` has 32 bytes, and `key_id` is their name in envelopes. `predicates` has, by the name of a piece of
    evidence, the predicate type that the pipeline may sign for it; `models` are patterns of registered names.
    """

    name: str
    key_id: str
    public_key: bytes
    owner: str
    predicates: Mapping[str, str]
    models: tuple[str, ...]

    def why_not(self, evidence: str, predicate_type: str, model: str) -> str | None:
        """Return why the pipeline may not sign this evidence about this model, None if it may."""
        if not any(fnmatchcase(model, pattern) for pattern in self.models):
            return f"the pipeline {self.name!r} signs for {', '.join(self.models)}, and not for {model!r}"
        allowed = self.predicates.get(evidence)
        if allowed is None:
            return f"the pipeline {self.name!r} signs {', '.join(sorted(self.predicates))}, and not {evidence!r}"
        if predicate_type != allowed:
            return f"its predicate type is {predicate_type!r:.80}, and {self.name!r} signs {evidence!r} as {allowed!r}"
        return None


@dataclass(frozen=True, slots=True)
class Target:
    """What a nonce is for: moving an alias of a model on a server to these files of a version.

    `incumbent` is the digest of the files that the alias points at, None if it points at nothing else.
    """

    server: str
    model: str
    epoch: int
    version: int
    created: int
    alias: str
    tree_digest: str
    incumbent: str | None = None

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over all of it but the incumbent, which may change before the request."""
        return digest_of({name: value for name, value in asdict(self).items() if name != INCUMBENT})

    @property
    def use(self) -> dict[str, Any]:
        """What a statement has to name beside the tree."""
        return {"server": self.server, "model": self.model, "version": self.version, "alias": self.alias}

    @classmethod
    def about(
        cls, server: str, candidate: Candidate, alias: str, files: Manifest, incumbent: Manifest | None
    ) -> Target:
        """Return what a nonce is for that serves a candidate with these files, beside those of an incumbent."""
        made = (server, candidate.model, candidate.epoch, candidate.version, candidate.created)
        return cls(*made, alias, files.digest, incumbent.digest if incumbent else None)

    @classmethod
    def of(cls, request: PromotionRequest) -> Target:
        """Return what a nonce of this request is for."""
        subject = request.subject
        made = (subject.server, subject.model, subject.epoch, subject.version, subject.created)
        return cls(*made, subject.alias, subject.tree_digest, request.incumbent_tree)


@dataclass(frozen=True, slots=True)
class Attested:
    """What a statement says: `evidence` by the names of measures, about a tree and a use, with the nonce."""

    predicate_type: str
    tree_digest: str
    nonce: str
    use: Mapping[str, Any]
    evidence: Mapping[str, Any]

    def why_not_about(self, evidence: str, purpose: Target) -> str | None:
        """Return why it is not evidence of this name for the purpose, None if it is."""
        if self.tree_digest != purpose.tree_digest:
            return f"it is about the files {self.tree_digest}, and the version's are {purpose.tree_digest}"
        if dict(self.use) != purpose.use:
            return f"it is for {dict(self.use)!r:.200}, and asked for is {purpose.use}"
        compared = self.evidence.get(INCUMBENT)
        if (INCUMBENT in self.evidence or evidence == COMPARISON) and compared != purpose.incumbent:
            return f"it compares with {compared!r:.80}, and the alias points at {purpose.incumbent or 'nothing else'}"
        if evidence == COMPARISON and compared is None:
            return "it compares with nothing, as the alias points at nothing else"
        return None

    @property
    def content(self) -> dict[str, Any]:
        """The evidence as it is kept: with the nonce, so that a statement made later is other evidence."""
        return {**self.evidence, NONCE: self.nonce}


def make_attestation(predicate_type: str, nonce: str, purpose: Mapping[str, Any], evidence: Mapping[str, Any]) -> bytes:
    """Return the statement that a pipeline signs, as canonical JSON.

    `purpose` has `server`, `model`, `version`, `alias` and `tree_digest`, as the gate gave them with the nonce.
    """
    use = {name: purpose[name] for name in ("server", "model", "version", "alias")}
    hexadecimal = str(purpose["tree_digest"]).removeprefix("sha256:")
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": f"{use['model']}/{use['version']}", "digest": {"sha256": hexadecimal}}],
            "predicateType": predicate_type,
            "predicate": {NONCE: nonce, "use": use, "evidence": dict(evidence)},
        }
    )


def read_attestation(payload: bytes) -> Attested:
    """Read a statement whose signature holds.

    Raises:
        ValueError: it is no finite JSON, has other names than `make_attestation` writes, or several subjects.
    """
    try:
        statement = json.loads(payload, object_pairs_hook=_once)
        canonical_json(statement)
        _names(statement, "_type", "subject", "predicateType", "predicate")
        if statement["_type"] != STATEMENT_TYPE:
            raise ValueError("it is no in-toto statement of version 1")
        (subject,) = statement["subject"]
        predicate = statement["predicate"]
        _names(predicate, NONCE, "use", "evidence")
        evidence, use = predicate["evidence"], predicate["use"]
        if not isinstance(evidence, dict) or not isinstance(use, dict) or NONCE in evidence:
            raise ValueError(f"its evidence is no object, or has a {NONCE!r} of its own")
        texts = statement["predicateType"], f"sha256:{subject['digest']['sha256']}", predicate[NONCE]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("its type or its nonce is no text")
        return Attested(*texts, use, evidence)
    except (KeyError, TypeError, RecursionError) as err:
        raise ValueError(f"its statement lacks a part: {err}") from err


def why_signers_changed(attested: Mapping[str, Attestation], known: Mapping[str, Identity]) -> tuple[str, ...]:
    """Return one sentence for each piece of evidence whose pipeline may not sign any more as it did.

    `known` are the pipelines by the ids of their keys.
    """
    return tuple(
        f"Since the request was opened, the pipeline {one.identity!r} that signed {name!r} changed in "
        "config/identities.yaml; have it sign again, and ask again."
        for name, one in attested.items()
        if (found := known.get(one.key_id)) is None or (found.name, found.owner) != (one.identity, one.owner)
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it says one name twice")
    return found


def _names(value: Any, *names: str) -> None:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"it does not hold exactly {', '.join(names)}")


def unusable_nonce(nonce: str, why: str) -> Refused:
    """Return the refusal of a nonce that cannot serve a request."""
    remedy = "Get a new one with 'handrail approvals nonce', and have the pipeline sign again."
    return Refused(f"The nonce {nonce!r:.80}", (f"{why[:1].upper()}{why[1:]}. {remedy}",))
