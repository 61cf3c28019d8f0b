"""Reads config/lineage.yaml: where events are forwarded to, and which flaws are accepted."""

# pydantic reads the annotations at run time, so they stay real.

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from handrail.config import Section, read_config
from handrail.errors import Misconfigured
from handrail.lineage.domain.flaws import Acceptance

FILE = "lineage.yaml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRETS = ("api_?key", "authorization", "cookie", "credentials?", "passw(or)?d", "private_?key", "secret", "token")
_SECRET = re.compile(f"({'|'.join(_SECRETS)})$", re.IGNORECASE)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def _bare_secret(part: object) -> str | None:
    """Return the name of a setting that holds a secret in the file itself."""
    if isinstance(part, list):
        return next(filter(None, map(_bare_secret, part)), None)
    if not isinstance(part, dict):
        return None
    for name, value in part.items():
        if isinstance(value, str) and _SECRET.search(name) and not _VARIABLE.search(value):
            return str(name)
        if found := _bare_secret(value):
            return found
    return None


class SinkFile(Section):
    """One receiver: an address, or the transport of the OpenLineage client that reaches it."""

    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s/]+\S*$", description="where the receiver takes OpenLineage events"
    )
    token_env: str | None = Field(
        default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="the variable that holds its bearer token"
    )
    transport: dict[str, JsonValue] | None = Field(
        default=None, description="a transport of openlineage-python with its settings; ${VARIABLE} in place of secrets"
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.url is None) is (self.transport is None):
            raise ValueError("give a url or a transport, one of both")
        if self.url is not None and "@" in self.url.split("/")[2]:
            raise ValueError("the url holds a login; name the variable of a token with token_env")
        if self.transport is not None:
            if not isinstance(self.transport.get("type"), str):
                raise ValueError("a transport needs its type, such as file or kafka")
            if self.token_env is not None:
                raise ValueError("token_env goes with url; write ${VARIABLE} in a transport")
            if bare := _bare_secret(self.transport):
                raise ValueError(f"{bare} is a secret; write ${{VARIABLE}} and set that variable")
        return self


class AcceptedFile(Section):
    """Flaws that a user has seen and accepts."""

    kind: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$", description="as `handrail lineage check` prints it")
    subject: str = Field(min_length=1, description="the URI or name at fault; * ? [..] fit several")
    because: str = Field(pattern=r"\S", description="why, for the next reader")


class LineageFile(Section):
    """The whole file."""

    version: Literal[1]
    sinks: dict[Name, SinkFile] = {}
    accepted: list[AcceptedFile] = []


@dataclass(frozen=True, slots=True)
class Sink:
    """A receiver of OpenLineage events; `token_env` names the environment variable that holds its token.

    `transport` is a transport of the OpenLineage client with its settings; it takes the place of `url`.
    """

    name: str
    url: str | None = None
    token_env: str | None = None
    transport: Mapping[str, Any] | None = None

    @property
    def token(self) -> str | None:
        """The receiver's token, None if it needs none.

        Raises:
            Misconfigured: the variable is not set.
        """
        return self._secret(self.token_env) if self.token_env is not None else None

    def resolve(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the transport's settings with every `${VARIABLE}` replaced, and the variable of each value put in.

        Raises:
            Misconfigured: a variable is not set.
        """
        secrets: dict[str, str] = {}
        return self._filled(dict(self.transport or {}), secrets), secrets

    def _filled(self, part: Any, secrets: dict[str, str]) -> Any:
        if isinstance(part, dict):
            return {name: self._filled(value, secrets) for name, value in part.items()}
        if isinstance(part, list):
            return [self._filled(value, secrets) for value in part]
        if not isinstance(part, str):
            return part
        for variable in _VARIABLE.findall(part):
            secrets[self._secret(variable)] = variable
        return _VARIABLE.sub(lambda found: self._secret(found[1]), part)

    def _secret(self, variable: str) -> str:
        found = os.environ.get(variable)
        if not found:
            problem = f"sink {self.name!r} takes a secret from {variable}, which is not set"
            raise Misconfigured(FILE, problem, f"Set {variable}.")
        return found


def read_sinks(config: Path) -> tuple[Sink, ...]:
    """Return the sinks of `lineage.yaml` in the folder `config`, by name; none if there is no such file.

    Raises:
        Misconfigured: the file is not YAML, has an unknown key or a wrong value.
    """
    sinks = _read(config).sinks
    return tuple(Sink(name, sink.url, sink.token_env, sink.transport) for name, sink in sorted(sinks.items()))


def read_accepted(config: Path) -> tuple[Acceptance, ...]:
    """Return the flaws that `lineage.yaml` in the folder `config` accepts, as it orders them; none without a file.

    Raises:
        Misconfigured: the file is not YAML, has an unknown key or a wrong value.
    """
    return tuple(Acceptance(each.kind, each.subject, each.because) for each in _read(config).accepted)


def _read(config: Path) -> LineageFile:
    file = config / FILE
    if not file.is_file():
        return LineageFile(version=1)
    return read_config(file, LineageFile, remedy="See plugins/handrail/lineage/README.md.", secret=True)
