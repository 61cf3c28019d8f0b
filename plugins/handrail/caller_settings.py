"""Who may call a served bento: the settings `callers`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from handrail.config.reading import Section

SigningAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
"""Those with a public key alone: never `none`, and never one whose secret also signs."""


class CallerSettings(Section):
    """What lets a caller in: the token that is made at the first start, named keys, tokens of an OIDC issuer."""

    token: bool = Field(default=True, description="the token of the file serving-token.json, which may do everything")
    keys: bool = Field(default=True, description="keys made by `handrail delivery key make`; none exist before")
    oidc_issuer: str | None = Field(default=None, min_length=1, description="what the claim `iss` has to be, exactly")
    oidc_audience: str | None = Field(default=None, min_length=1, description="what the claim `aud` has to hold")
    oidc_jwks: str | None = Field(
        default=None, min_length=1, description="the issuer's JSON Web Key Set: an https address, or a file"
    )
    oidc_algorithms: Annotated[tuple[SigningAlgorithm, ...], NoDecode] = Field(
        default=("RS256",), min_length=1, description="algorithms that tokens may be signed by"
    )
    oidc_typ: str | None = Field(
        default=None,
        min_length=1,
        description="what the header `typ` has to be, as at+jwt; any but logout+jwt if unset",
    )
    oidc_leeway_s: int = Field(default=10, ge=0, le=60, description="how far the issuer's clock may be off")
    oidc_name: str = Field(default="sub", min_length=1, description="claim that names the caller in the log")
    oidc_rights: str | None = Field(
        default=None, min_length=1, description="claim with roles or scopes, as realm_access.roles; any token if unset"
    )
    oidc_predict: str | None = Field(default=None, min_length=1, description="the role that may ask for predictions")
    oidc_report: str | None = Field(default=None, min_length=1, description="the role that may report feedback")

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given

    @field_validator("oidc_jwks")
    @classmethod
    def _safe_address(cls, given: str | None) -> str | None:
        if given is not None and "://" in given and not is_safe_address(given):
            raise ValueError("expected a file or an https address; http is for 127.0.0.1 and localhost alone")
        return given

    @model_validator(mode="after")
    def _whole(self) -> CallerSettings:
        given = [self.oidc_issuer, self.oidc_audience, self.oidc_jwks]
        if any(given) and not all(given):
            raise ValueError("expected oidc_issuer, oidc_audience and oidc_jwks together")
        roles = self.oidc_predict or self.oidc_report
        if (self.oidc_rights is None) != (roles is None):
            raise ValueError("expected oidc_predict or oidc_report, or both, beside oidc_rights")
        if not (self.token or self.keys or self.has_issuer):
            raise ValueError("expected token, keys or an OIDC issuer: nobody could call the service")
        return self

    @property
    def has_issuer(self) -> bool:
        """Whether tokens of an issuer are taken."""
        return self.oidc_issuer is not None


def is_safe_address(address: str) -> bool:
    """Return whether nobody between here and this address can change what it answers."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_here(address)))


def is_here(address: str) -> bool:
    """Return whether an address is of this machine: localhost, or one of the loopback."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
