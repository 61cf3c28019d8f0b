"""Reads config/lineage.yaml: where events are forwarded to."""

# pydantic reads the annotations at run time, so they stay real.

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handrail.errors import Misconfigured

FILE = "lineage.yaml"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class SinkFile(BaseModel):
    """One receiver."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^https?://[^\s/]+\S*$", description="where the receiver takes OpenLineage events")
    token_env: str | None = Field(
        default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="the variable that holds its bearer token"
    )


class LineageFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    sinks: dict[Name, SinkFile] = {}


@dataclass(frozen=True, slots=True)
class Sink:
    """A receiver of OpenLineage events; `token_env` names the environment variable that holds its token."""

    name: str
    url: str
    token_env: str | None = None

    @property
    def token(self) -> str | None:
        """The receiver's token, None if it needs none.

        Raises:
            Misconfigured: the variable is not set.
        """
        if self.token_env is None:
            return None
        found = os.environ.get(self.token_env)
        if not found:
            problem = f"sink {self.name!r} takes its token from {self.token_env}, which is not set"
            raise Misconfigured(FILE, problem, f"Set {self.token_env}.")
        return found


def read_sinks(config: Path) -> tuple[Sink, ...]:
    """Return the sinks of `lineage.yaml` in the folder `config`, by name; none if there is no such file.

    Raises:
        Misconfigured: the file is not YAML, has an unknown key or a wrong value.
    """
    file = config / FILE
    if not file.is_file():
        return ()
    try:
        parsed = LineageFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as err:
        raise Misconfigured(str(file), "it is not YAML", f"Correct it: {' '.join(str(err).split())}.") from err
    except ValidationError as err:
        first = err.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Misconfigured(
            str(file), f"{key}: {first['msg'].lower()}", "See plugins/handrail/lineage/README.md."
        ) from err
    return tuple(Sink(name, sink.url, sink.token_env) for name, sink in sorted(parsed.sinks.items()))
