"""Other systems ask whether a deployment may go on: GitHub's protection rules, Flagger, Argo Rollouts and the like."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from handrail.approvals import Confirmations, Confirmed
from handrail.confirmations import Confirmations as Setting
from handrail.confirmations import GithubEnvironment
from handrail.entrypoints.http.auth import is_bearer
from handrail.entrypoints.http.github_app import EVENT, GithubApp, ProtectionRule, is_signed
from handrail.entrypoints.mlflow.app.evidence_bodies import read_digest
from handrail.entrypoints.mlflow.app.foreign_calls import carries_no_login
from handrail.entrypoints.mlflow.app.messages import MAX_BODY_BYTES, read_object
from handrail.entrypoints.mlflow.app.rights import require_model
from handrail.errors import InvalidInput, Refused
from handrail.refs import Use

SIGNATURE = "X-Hub-Signature-256"
_USE = ("server", "model", "alias", "environment")


@dataclass(frozen=True, slots=True)
class ConfirmationDesk:
    """Answers who asks, each in the way that it understands.

    `server` and `environment` are those of the permits of this gate; without a `github` App no rule is answered.
    """

    confirmations: Confirmations
    setting: Setting
    server: str
    environment: str
    github: GithubApp | None = None

    def is_foreign(self) -> bool:
        """Whether the call carries something else than a login of this server's accounts."""
        return SIGNATURE in request.headers or carries_no_login()

    def why_unknown(self) -> str | None:
        """Return why a foreign call is not by a system of the settings, None if it is."""
        secret, token = self.setting.github_secret, self.setting.token
        if SIGNATURE in request.headers:
            if secret is None:
                return "Questions by GitHub are off: whoever runs the server can set confirmations.github_secret."
            request.max_content_length = MAX_BODY_BYTES
            body = request.get_data()
            if is_signed(body, request.headers.get(SIGNATURE), secret.get_secret_value()):
                return None
            return f"{SIGNATURE} is not the signature of this body by the secret of the settings. Set the same secret."
        if token is None:
            return "Questions with a token are off: whoever runs the server can set confirmations.token."
        if is_bearer(request.headers.get("Authorization"), token.get_secret_value()):
            return None
        return "The bearer token is not that of the settings. Send the token of confirmations.token."

    def answer(self) -> Response:
        """Answer a call of somebody who is known.

        Raises:
            Refused: nothing is allowed now, with the reason.
            InvalidInput: the question does not say what is to be deployed.
        """
        payload = read_object()
        if SIGNATURE in request.headers:
            return self._answer_github(payload)
        use, digest = _asked(payload)
        if not self.is_foreign():
            require_model(use.model, "can_read", "Asking about this deployment")
        return _json(self.confirmations.confirm(use, digest).to_json())

    def _answer_github(self, payload: dict[str, Any]) -> Response:
        event = request.headers.get("X-GitHub-Event")
        if event != EVENT:
            return _json({"ignored": str(event)[:80]})
        rule = ProtectionRule.from_payload(payload)
        if self.github is None:
            raise Refused("Answering GitHub", ("Set confirmations.github_app and confirmations.github_key.",))
        self.github.require_listed(rule)
        try:
            confirmed = self._confirm(rule)
        except Refused as err:
            self.github.answer(rule, approve=False, comment=str(err))
            return _json({"confirmed": False, "reason": str(err)})
        by = ", ".join(confirmed.permit.approvers)
        comment = f"{confirmed.permit.request_id}: version {confirmed.permit.version}, approved by {by}."
        self.github.answer(rule, approve=True, comment=comment)
        return _json(confirmed.to_json())

    def _confirm(self, rule: ProtectionRule) -> Confirmed:
        where = f"Deploying to {rule.environment!r:.80} of {rule.repository}"
        found = _entry(self.setting.github_environments, rule)
        if found is None:
            raise Refused(where, ("Nothing is said about it in confirmations.github_environments.",))
        if rule.tree_digest is None and not found.newest:
            remedy = "Its payload names no tree_digest: create the deployment with one, or set newest for it."
            raise Refused(where, (remedy,))
        use = Use(self.server, found.model, found.alias, found.permit_environment or self.environment)
        return self.confirmations.confirm(use, rule.tree_digest)


def _entry(entries: Iterable[GithubEnvironment], rule: ProtectionRule) -> GithubEnvironment | None:
    wanted = rule.repository.lower(), rule.environment
    return next((each for each in entries if (each.repository.lower(), each.environment) == wanted), None)


def _asked(payload: dict[str, Any]) -> tuple[Use, str]:
    """Return the use and the digest that the `metadata` of a hook name; what else it says is for others."""
    metadata = payload.get("metadata")
    if not isinstance(metadata, dict):
        raise InvalidInput("metadata", "it is missing", f"Send {', '.join(_USE)} and tree_digest in it.")
    for name in (*_USE, "tree_digest"):
        if not isinstance(metadata.get(name), str) or not metadata[name]:
            raise InvalidInput(f"metadata.{name}", "it is missing", "Send the use, and the digest of the tree.")
    use = Use.from_json({name: metadata[name] for name in _USE})
    return use, read_digest(metadata["tree_digest"], "metadata.tree_digest")


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value), status=HTTPStatus.OK, mimetype="application/json")
