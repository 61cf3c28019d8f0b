"""What a promotion request is about: a candidate as the registry holds it, and everything that a decision binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from handrail.approvals.domain.tracing import Traced
from handrail.manifest import Manifest, digest_of, digest_of_bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered model version as the registry holds it now.

    `epoch` is the creation time of the registered model and `created` that of the version, both in
    milliseconds: after a delete the same name and version can be used again. `tree` is where the files are. A version
    of a prompt has no files but `texts` by path, as `domain.prompts` writes them.
    """

    model: str
    epoch: int
    version: int
    created: int
    tree: str
    run_id: str | None = None
    experiment_id: str | None = None
    logged_model_id: str | None = None
    texts: Mapping[str, str] | None = None

    @property
    def is_prompt(self) -> bool:
        """Whether this is a version of a prompt."""
        return self.texts is not None

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"version {self.version} of {'the prompt ' if self.is_prompt else ''}{self.model!r}"

    @property
    def key(self) -> str:
        """What differs when a name or a number is used again."""
        return f"{self.model}/{self.epoch}/{self.version}/{self.created}"


@dataclass(frozen=True, slots=True)
class Authorship:
    """The accounts that made a candidate, in order of name, and each part of it of which no maker is recorded."""

    accounts: tuple[str, ...]
    unrecorded: tuple[str, ...] = ()

    def joined(self, other: Authorship) -> Authorship:
        """Return both together."""
        accounts = sorted({*self.accounts, *other.accounts})
        return Authorship(tuple(accounts), tuple(dict.fromkeys((*self.unrecorded, *other.unrecorded))))


class Purpose(StrEnum):
    """What a request with a short way is for; any other asks for a promotion, or to adopt."""

    ROLLBACK = "rollback"
    BREAK_GLASS = "break-glass"
    CONFIRMATION = "confirmation"
    REVERT = "revert"


LATER_FIELDS = ("people_digest", "adopts", "snapshot", "purpose", "about", "lineage", "prompt")


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that a decision is about. A change of any field makes it a decision about something else.

    One that `adopts` is about the version that the alias already points at, from before the gate: its makers and its
    quality are not known, and the persons who decide take it over as it is. `about` is the id of the request that one
    with the purpose of a confirmation or a revert is about. `lineage` is what its trace lacked when it was opened, as
    `Traced.bound` has it, None where the policy does not require lineage. `prompt` says that the model is a prompt.
    """

    server: str
    model: str
    epoch: int
    version: int
    created: int
    alias: str
    tree_digest: str
    policy_digest: str
    evidence: Mapping[str, str]
    incumbent: int | None
    people_digest: str | None = None
    adopts: bool = False
    snapshot: str | None = None
    purpose: Purpose | None = None
    about: str | None = None
    lineage: str | None = None
    prompt: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return all fields; evidence as name to digest.

        Requests from before persons were bound have no `people_digest`, only an adoption has `adopts`, and not each
        request names a `snapshot`: the ids and keys of all others stay what they were.
        """
        fields = {name: getattr(self, name) for name in self.__slots__} | {"evidence": dict(self.evidence)}
        return {name: value for name, value in fields.items() if name not in LATER_FIELDS or value}

    @property
    def key(self) -> str:
        """The same for each request about this candidate, evidence and policy.

        What the alias points at, and who could decide at the time, makes no difference.
        """
        moving = ("incumbent", "people_digest")
        return digest_of({name: value for name, value in self.to_json().items() if name not in moving})

    def said_as(self, bound: Subject) -> Subject:
        """Return this, the present state, with what only the request says, from what it binds."""
        said = ("adopts", "snapshot", "purpose", "about", "lineage")
        return replace(self, **{name: getattr(bound, name) for name in said})

    def request_id(self, turn: int) -> str:
        """Return the id of the `turn`-th request about this subject."""
        return "pr-" + digest_of(self.to_json() | {"turn": turn}).removeprefix("sha256:")[:20]

    def changes_since(self, bound: Subject) -> tuple[str, ...]:
        """Return one sentence for each part of `bound` that differs from this, the present state."""
        words = {
            "server": "the server",
            "model": "the model's name",
            "epoch": "the registered model (it was made again)",
            "version": "the version",
            "created": "the version (it was made again)",
            "alias": "the alias",
            "tree_digest": "the files of the version",
            "policy_digest": "the policy",
            "evidence": "the evidence",
            "incumbent": "the version that the alias points at",
            "adopts": "whether it is an adoption",
            "snapshot": "the snapshot of labelled rows",
            "purpose": "what it is for",
            "about": "which request it is about",
            "lineage": "what its lineage lacks",
            "prompt": "whether it is a prompt",
        }
        known = bound.to_json()
        changed = {name: value for name, value in self.to_json().items() if known.get(name, value) != value}
        people = changed.pop("people_digest", None)
        sentences = [
            f"Since the request was opened, {words[name]} changed: {_shown(known[name])} became {_shown(value)}."
            for name, value in changed.items()
        ]
        if people:
            who = "who could decide about it, or who answers for its makers, changed in config/roles.yaml"
            sentences.append(f"Since the request was opened, {who}; ask again.")
        return tuple(sentences)


@dataclass(frozen=True, slots=True)
class BoundFile:
    """Where a piece of evidence was read by the gate: a file of a run on this server, and who wrote there."""

    run_id: str
    path: str
    sha256: str
    writers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement by which a pipeline answers for a piece of evidence: its DSSE envelope, and who signed it.

    `owner` is the person or service of roles.yaml for which the pipeline acts, `key_id` the sha256 (hex) of its key.
    """

    identity: str
    owner: str
    key_id: str
    nonce: str
    envelope: str

    @property
    def answerable(self) -> str:
        """The pipeline and for whom it acts, as a sentence names them."""
        return f"{self.identity} for {self.owner}"

    def to_json(self) -> dict[str, str]:
        """Return who signed with which key and nonce, and the digest of the envelope."""
        known = {"identity": self.identity, "owner": self.owner, "key_id": self.key_id, "nonce": self.nonce}
        return known | {"envelope": digest_of_bytes(self.envelope.encode("utf-8"))}


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """The request to move an alias, with everything that it depends on.

    `incumbent_tree` is None while the alias points at nothing else. `unrecorded` names the parts that nobody is known
    to have made. `formats` run code when they are loaded, each with where it was found; with None nobody looked.
    `bound` has the files that the gate read itself and `attested` the statements of pipelines, by the name of their
    evidence; `authors` are their writers too, who answers for them, and who handed in the snapshot. `renews` is the id
    of the void request in whose place it was opened. `traced` is what the gate found in lineage, None where the policy
    does not require it.
    """

    request_id: str
    turn: int
    subject: Subject
    manifest: Manifest
    evidence: Mapping[str, Any]
    run_id: str | None
    authors: tuple[str, ...]
    requester: str
    reason: str
    opened_at: datetime
    incumbent_tree: str | None = None
    unrecorded: tuple[str, ...] = ()
    formats: Mapping[str, str] | None = None
    bound: Mapping[str, BoundFile] = field(default_factory=dict)
    renews: str | None = None
    attested: Mapping[str, Attestation] = field(default_factory=dict)
    traced: Traced | None = None

    @property
    def label(self) -> str:
        """What is asked for, for people."""
        return f"{self.subject.alias!r} of {self.subject.model!r} to version {self.subject.version}"


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)
