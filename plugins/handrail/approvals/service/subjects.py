"""What a decision about a candidate binds, as the registry, the policy and the roles have it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.prompts import manifest_of_texts
from handrail.approvals.domain.subject import Candidate, Subject
from handrail.approvals.ports import RuleBook
from handrail.approvals.service.asking import GatePorts, digests_of


def people_digest(rules: RuleBook, policy: Policy, authors: Iterable[str], requester: str) -> str:
    """Return the digest of the persons and roles that a decision is judged by.

    Raises:
        Misconfigured: the roles cannot be used.
    """
    return rules.directory().digest_for(policy.concerned, [*authors, requester])


def subject_of(  # noqa: PLR0913 - what a decision is about has this many parts
    server: str,
    ports: GatePorts,
    candidate: Candidate,
    policy: Policy,
    evidence: Mapping[str, Any],
    tree_digest: str,
    people: str,
) -> Subject:
    """Return what is asked for, without what only a request says.

    Args:
        server: stable name of this server.
        ports: where the alias points is read there.
        candidate: the version as the registry holds it now.
        policy: the policy of the alias.
        evidence: each piece by its name.
        tree_digest: of the gate's copy; of a prompt it is that of the present texts instead.
        people: digest of persons and roles.
    """
    incumbent = ports.registry.incumbent(candidate.model, policy.alias)
    return Subject(
        server=server,
        model=candidate.model,
        epoch=candidate.epoch,
        version=candidate.version,
        created=candidate.created,
        alias=policy.alias,
        tree_digest=tree_digest if candidate.texts is None else manifest_of_texts(candidate.texts).digest,
        policy_digest=policy.digest,
        evidence=dict(sorted(digests_of(evidence).items())),
        incumbent=None if incumbent == candidate.version else incumbent,
        people_digest=people,
        prompt=candidate.is_prompt,
    )
