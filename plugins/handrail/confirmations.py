"""The part of the settings that says which other systems may ask the gate before they deploy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from handrail.config.reading import Section

SHORTEST_SECRET = 24


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"expected at least {SHORTEST_SECRET} characters")
    return secret


LongSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
"""A secret that nobody guesses."""


class GithubEnvironment(Section):
    """What is deployed to an environment of a repository on GitHub."""

    repository: str = Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", description="owner and name")
    environment: str = Field(min_length=1, description="GitHub's name of the environment")
    model: str = Field(min_length=1, description="registered model")
    alias: str = Field(min_length=1, description="alias that the model is deployed as")
    permit_environment: str | None = Field(
        default=None, description="environment that permits are for; that of the gate if unset"
    )
    newest: bool = Field(
        default=False, description="a deployment that names no tree_digest is answered by the newest permit"
    )


class Confirmations(Section):
    """Who beside accounts may ask the gate whether something may be deployed; nobody, unless a secret is set."""

    token: LongSecret | None = Field(default=None, description="bearer token of Argo, Flagger and others")
    github_secret: LongSecret | None = Field(default=None, description="secret of the webhook of a GitHub App")
    github_app: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.]+$", description="id of that GitHub App")
    github_key: Path | None = Field(default=None, description="private key of that GitHub App, a PEM file")
    github_hosts: list[str] = Field(
        default=["api.github.com"], description="hosts of GitHub's REST interface that answers are sent to"
    )
    github_environments: list[GithubEnvironment] = Field(default=[], description="what is deployed where")

    @model_validator(mode="after")
    def _whole(self) -> Confirmations:
        if self.github_secret and not (self.github_app and self.github_key):
            raise ValueError("expected github_app and github_key beside github_secret: GitHub is answered by the App")
        return self
