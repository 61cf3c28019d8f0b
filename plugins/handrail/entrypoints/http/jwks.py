"""The public keys of an OIDC issuer: a JSON Web Key Set (RFC 7517), from an address or a file.

An address is the one of the settings and no other: what a token names, `jku` and `x5u`, is never called.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from handrail.caller_settings import is_here
from handrail.errors import Unavailable
from handrail.tools import require

TIMEOUT_S = 3.0
MOST_BYTES = 256_000
MOST_KEYS = 100
SHORTEST_RSA = 2048
CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
REMEDY = "See callers.oidc_jwks and the issuer."


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key; `algorithm` is the only one it is for, if the set says so."""

    kid: str | None
    key: Any
    algorithm: str | None

    def fits(self, algorithm: str) -> bool:
        """Return whether a signature by this algorithm may be checked with the key, by its type, size and curve."""
        if self.algorithm not in (None, algorithm):
            return False
        if algorithm in CURVES:
            return isinstance(self.key, EllipticCurvePublicKey) and self.key.curve.name == CURVES[algorithm]
        if algorithm == "EdDSA":
            return isinstance(self.key, Ed25519PublicKey)
        is_rsa = algorithm[:2] in ("RS", "PS")
        return is_rsa and isinstance(self.key, RSAPublicKey) and self.key.key_size >= SHORTEST_RSA


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of an issuer that check signatures; any others in it are left out."""

    keys: tuple[IssuerKey, ...]

    def find(self, kid: str | None, algorithm: str) -> IssuerKey | None:
        """Return the key of that id for an algorithm; for a token that names none, the only key there is."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 and self.keys[0].fits(algorithm) else None
        return next((key for key in self.keys if key.kid == kid and key.fits(algorithm)), None)

    def knows(self, kid: str | None) -> bool:
        """Return whether reading the set again could not find more for a token that names `kid`."""
        return bool(self.keys) and (kid is None or any(key.kid == kid for key in self.keys))


def read_key_set(place: str, project: Path, transport: httpx.BaseTransport | None = None) -> KeySet:
    """Read the set at an address, or in a file of the project; `transport` is httpx's own if None.

    Raises:
        Unavailable: it cannot be reached, is too large, or holds no key that checks signatures.
    """
    content = _fetched(place, transport) if "://" in place else _read(place, project)
    try:
        keys = tuple(_usable(json.loads(content)))
    except (ValueError, RecursionError) as err:
        raise Unavailable(place, "it is not a JSON Web Key Set", REMEDY) from err
    if not keys:
        raise Unavailable(place, "it holds no public key that checks signatures", REMEDY)
    return KeySet(keys)


def _fetched(address: str, transport: httpx.BaseTransport | None) -> bytes:
    found = bytearray()
    # By plain HTTP an address of this machine alone is called, and a proxy elsewhere could answer in its place.
    by_proxy = not is_here(address)
    try:
        with (
            httpx.Client(transport=transport, timeout=TIMEOUT_S, follow_redirects=False, trust_env=by_proxy) as http,
            http.stream("GET", address, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Unavailable(address, f"it answered {answer.status_code}", REMEDY)
            for chunk in answer.iter_bytes():
                found += chunk
                if len(found) > MOST_BYTES:
                    raise Unavailable(address, f"it answered more than {MOST_BYTES:,} bytes", REMEDY)
    except httpx.HTTPError as err:
        raise Unavailable(address, f"it cannot be reached ({str(err) or type(err).__name__})", REMEDY) from err
    return bytes(found)


def _read(name: str, project: Path) -> bytes:
    file = project / name
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES)
    except OSError as err:
        raise Unavailable(str(file), f"it cannot be read ({err.strerror})", REMEDY) from err


def _usable(document: Any) -> Iterator[IssuerKey]:
    """Give the keys of a set that check signatures; secrets, private keys and what is not known are left out."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise ValueError("no list of keys")
    for entry in entries[:MOST_KEYS]:
        if not isinstance(entry, Mapping) or entry.get("use", "sig") != "sig" or not _verifies(entry.get("key_ops")):
            continue
        key, kid, algorithm = _public_key(entry), entry.get("kid"), entry.get("alg")
        if key is not None and isinstance(kid, str | None) and isinstance(algorithm, str | None):
            yield IssuerKey(kid, key, algorithm)


def _verifies(operations: Any) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _public_key(entry: Mapping[str, Any]) -> Any:
    require("jwt", "bentoml")
    from jwt import PyJWTError
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    kinds: dict[Any, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
    kind = entry.get("kty")
    if not isinstance(kind, str) or kind not in kinds or "d" in entry:
        return None
    try:
        return kinds[kind].from_jwk(dict(entry))
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError):
        return None
