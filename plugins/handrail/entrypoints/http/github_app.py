"""Answers a deployment protection rule of GitHub, as the GitHub App that the rule belongs to.

Documented at https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
and https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_protection_rule.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from handrail.errors import InvalidInput, Misconfigured, Refused, Unavailable

EVENT = "deployment_protection_rule"
TIMEOUT_S = 4.0
"""GitHub gives a delivery ten seconds, and it takes two calls to answer."""
TOKEN_S = 300
CLOCKS_DIFFER_S = 60
MOST_COMMENT = 1000
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


def is_signed(body: bytes, header: str | None, secret: str) -> bool:
    """Return whether `X-Hub-Signature-256` is the HMAC of the body; takes equally long for any wrong one."""
    expected = f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"
    matches = hmac.compare_digest((header or "").encode("utf-8", "replace"), expected.encode())
    return bool(secret) and matches


@dataclass(frozen=True, slots=True)
class ProtectionRule:
    """What GitHub asks: may this deployment of a repository to an environment go on?"""

    repository: str
    environment: str
    callback_url: str
    installation: int
    tree_digest: str | None

    @classmethod
    def from_payload(cls, payload: Any) -> ProtectionRule:
        """Read the payload of a `deployment_protection_rule`.

        Raises:
            InvalidInput: it is none; the field is named.
        """
        repository = _text(payload, "repository", "full_name")
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidInput("repository", f"{repository!r:.80} is not owner and name", "Let GitHub send it.")
        installation = _part(payload, "installation", "id")
        if type(installation) is not int or installation < 1:
            raise InvalidInput("installation.id", f"{installation!r:.80} is not a number", "Let GitHub send it.")
        return cls(
            repository,
            _text(payload, "environment"),
            _text(payload, "deployment_callback_url"),
            installation,
            _digest_in(_part(payload, "deployment", "payload")),
        )


class GithubApp:
    """Sends answers to GitHub's REST interface at hosts that the settings list, and to nowhere else."""

    def __init__(
        self, app: str, key: Path, hosts: Collection[str], transport: httpx.BaseTransport | None = None
    ) -> None:
        """Act as the App with this id and this file of a private key; `transport` is httpx's own if None."""
        self._app, self._key, self._hosts = app, key, frozenset(host.lower() for host in hosts)
        self._transport = transport

    def require_listed(self, rule: ProtectionRule) -> str:
        """Return the address of the REST interface that a rule is to be answered at.

        Raises:
            Refused: its callback is not one for this repository at a listed host.
        """
        url = urlsplit(rule.callback_url)
        path = rf"(?P<root>(/api/v3)?)/repos/{re.escape(rule.repository)}/actions/runs/[0-9]+/{EVENT}"
        found = re.fullmatch(path, url.path)
        # Word for word: what a parser leaves out or reads otherwise is not called.
        plain = rule.callback_url == f"https://{url.netloc}{url.path}" and url.netloc.lower() in self._hosts
        if not (found and plain):
            remedy = "Name GitHub's host in confirmations.github_hosts; any other address is never called."
            raise Refused(f"Answering at {rule.callback_url!r:.200}", (remedy,))
        return f"https://{url.netloc}{found['root']}"

    def answer(self, rule: ProtectionRule, *, approve: bool, comment: str) -> None:
        """Approve or reject the deployment, with a comment that GitHub shows.

        Raises:
            Refused: as `require_listed`; nothing was sent.
            Unavailable: GitHub cannot be reached, or does not take the answer.
            Misconfigured: the App's key cannot be used.
        """
        root = self.require_listed(rule)
        state = "approved" if approve else "rejected"
        body = {"environment_name": rule.environment, "state": state, "comment": comment[:MOST_COMMENT]}
        with httpx.Client(transport=self._transport, timeout=TIMEOUT_S, follow_redirects=False) as http:
            tokens = f"{root}/app/installations/{rule.installation}/access_tokens"
            token = _sent(http, tokens, self._own_token(), None).get("token")
            if not isinstance(token, str):
                raise Unavailable(tokens, "it gave no token", "See the App's installation on GitHub.")
            _sent(http, rule.callback_url, token, body)

    def _own_token(self) -> str:
        """Return the App's JSON Web Token (RFC 7519, RS256), good for five minutes."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self._key.read_bytes(), None)
        except (OSError, ValueError, TypeError) as err:
            raise Misconfigured(
                "confirmations.github_key", f"it cannot be read: {err}", "Name the App's PEM file."
            ) from err
        if not isinstance(key, RSAPrivateKey):
            raise Misconfigured("confirmations.github_key", "it is no RSA key", "Name the App's PEM file.")
        now = int(time.time())
        claims = {"iss": self._app, "iat": now - CLOCKS_DIFFER_S, "exp": now + TOKEN_S}
        parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        return ".".join((*parts, _encoded(key.sign(".".join(parts).encode(), PKCS1v15(), SHA256()))))


def _sent(http: httpx.Client, url: str, token: str, body: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    try:
        answer = http.post(url, json=body, headers=headers)
        if not answer.is_success:
            raise Unavailable(url, f"it answered {answer.status_code}", "See the App's permissions on GitHub.")
        found = answer.json() if answer.content else {}
    except (httpx.HTTPError, ValueError) as err:
        problem = f"it cannot be reached ({str(err) or type(err).__name__})"
        raise Unavailable(url, problem, "Let GitHub deliver the event again.") from err
    return found if isinstance(found, dict) else {}


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _part(payload: Any, *names: str) -> Any:
    for name in names:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def _text(payload: Any, *names: str) -> str:
    found = _part(payload, *names)
    if not isinstance(found, str) or not found:
        raise InvalidInput(".".join(names), "it is missing", "Let GitHub send it.")
    return found


def _digest_in(payload: Any) -> str | None:
    """Return the digest that whoever made the deployment wrote into its payload, an object or JSON text of one."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            return None
    digest = _part(payload, "tree_digest")
    if digest is not None and not (isinstance(digest, str) and re.fullmatch("sha256:[0-9a-f]{64}", digest)):
        raise InvalidInput("deployment.payload.tree_digest", "it is not sha256: and 64 digits", "Correct it.")
    return digest
