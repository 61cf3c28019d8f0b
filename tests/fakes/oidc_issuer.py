"""An OIDC issuer: its keys, its key set over HTTP, and tokens, also such as it would never sign."""

from __future__ import annotations

import base64
import hmac
import json
import time
from functools import cache
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.example/realms/ops", "churn"
ADDRESS = f"{ISSUER}/certs"


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    """Make the private key of that name, once."""
    return rsa.generate_private_key(65537, bits)


@cache
def other_key(kind: str) -> Any:
    """Make a private key of another type, once."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def jwk(key: Any, kid: str | None = "one", **more: Any) -> dict[str, Any]:
    """Return the public part of a key as an entry of a key set."""
    kinds: dict[Any, Any] = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    kind = next((each for base, each in kinds.items() if isinstance(key, base)), OKPAlgorithm)
    found = dict(kind.to_jwk(key.public_key(), as_dict=True)) | ({} if kid is None else {"kid": kid})
    return found | more


def public_pem(key: Any) -> bytes:
    """Return what everybody may know of a key."""
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; None leaves one out."""
    now = int(time.time())
    found = {"iss": ISSUER, "aud": AUDIENCE, "sub": "crew-desk", "iat": now, "exp": now + 300} | changes
    return {name: value for name, value in found.items() if value is not None}


def signed(key: Any = None, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a token that a key signed; by the issuer's own if none is given."""
    named = {name: text for name, text in ({"kid": "one"} | (headers or {})).items() if text is not None}
    return jwt.encode(claims(**changes), key or rsa_key(), algorithm=algorithm, headers=named)


def by_hand(header: dict[str, Any], payload: Any, signature: bytes = b"") -> str:
    """Return a token put together from parts, as an attacker does."""
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (header, payload)]
    return ".".join(map(encoded, (*parts, signature)))


def with_public_key_as_secret(pem: bytes) -> str:
    """Return a token with HS256, keyed with the issuer's public key."""
    unsigned = by_hand({"alg": "HS256", "typ": "JWT", "kid": "one"}, claims()).rpartition(".")[0]
    return f"{unsigned}.{encoded(hmac.digest(pem, unsigned.encode(), 'sha256'))}"


def encoded(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Issuer(httpx.BaseTransport):
    """Answers with its key set; it keeps which addresses were asked for."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys) or [jwk(rsa_key())]
        self.calls: list[str] = []
        self.away = False
        self.status, self.body = 200, b""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(str(request.url))
        if self.away:
            raise httpx.ConnectError("connection refused")
        return httpx.Response(self.status, content=self.body or json.dumps({"keys": self.keys}).encode())
