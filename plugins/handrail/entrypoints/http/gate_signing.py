"""Signs decisions on the machine of the person who makes them; the private key is not sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.approvals import DecisionText, PersonSignature, SigningKey, emergency_name, moment_text, plain_text
from handrail.clock import system_time


def sign_decision(
    key: SigningKey, request: Mapping[str, Any], decision: str, reason: str, account: str
) -> PersonSignature:
    """Sign what is about to be said about a request.

    Args:
        key: the person's own.
        request: as `GateClient.request` returned it, whose facts the person has seen.
        decision: `approve`, `reject` or `ask`.
        reason: the same as is sent with the decision.
        account: the account that sends it.

    Raises:
        InvalidInput: the reason is no plain line.
    """
    return _signed(key, request["server"], request["request_id"], request["seen"], (decision, reason, account))


def sign_rule_decision(
    key: SigningKey, change: Mapping[str, Any], decision: str, reason: str, account: str
) -> PersonSignature:
    """Sign what is about to be said about a change of rules, as `GateClient.rules.change` returned it.

    Raises:
        InvalidInput: the reason is no plain line.
    """
    return _signed(key, change["server"], change["change_id"], change["digest"], (decision, reason, account))


def sign_emergency(
    key: SigningKey, server: str, moved: tuple[str, int | str, str], reason: str, account: str
) -> PersonSignature:
    """Sign that the glass is broken: `moved` has model, version and alias, `server` is the name of the gate's server.

    Raises:
        InvalidInput: the reason is no plain line.
    """
    model, version, alias = moved
    return _signed(key, server, emergency_name(model, int(version), alias), None, ("approve", reason, account))


def _signed(key: SigningKey, server: str, about: str, seen: str | None, said: tuple[str, str, str]) -> PersonSignature:
    decision, reason, account = said
    at = moment_text(system_time())
    text = DecisionText(server, about, seen, decision, plain_text("reason", reason), account, at)
    return key.sign(text)


def sent(signature: PersonSignature | None) -> dict[str, Any]:
    """Return the part of a body that has the signature, nothing without one."""
    return {} if signature is None else {"signature": signature.to_json()}
