"""The only reader of HANDRAIL_* and config/handrail.yaml. Plugins' own YAML files are read by their adapters."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from handrail.caller_settings import CallerSettings
from handrail.config import Section, YamlSource, explained, read_yaml
from handrail.confirmations import Confirmations, LongSecret
from handrail.errors import Misconfigured
from handrail.online_settings import OnlineSettings
from handrail.streams import StreamSettings

__all__ = ["Ports", "Settings", "find_project", "load_settings", "make_home"]

CONFIG_FILE = Path("config") / "handrail.yaml"
PREFIX = "HANDRAIL_"
# Variables that tests and flows exchange, and what Kubernetes sets beside a service whose name begins with handrail.
_OTHERS = re.compile(r"TEST_.*|FLOW_RUN_ID|(.+_)?SERVICE_(HOST|PORT)(_.+)?|(.+_)?PORT(_\d+_.+)?")

_URLS = "database_url", "approvals_database_url", "notify_urls"
_SECRETS = (*_URLS, "confirmations", "metrics_token", "stream", "online")
_LISTS = ("allowed_hosts", "lineage_trusted_proxies", "mlflow_routes", "mlflow_trusted_proxies")

_log = logging.getLogger("handrail.settings")


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds config/handrail.yaml, else `start` itself."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file():
            return folder
    return start


class Ports(Section):
    """The ports that the servers of this project listen on: each tool's usual one."""

    mlflow: int = Field(default=5000, ge=1, le=65535, description="MLflow with the Handrail app")
    prefect: int = Field(default=4200, ge=1, le=65535, description="Prefect server and UI")
    bento: int = Field(default=3000, ge=1, le=65535, description="the served bento")
    evidently: int = Field(default=8000, ge=1, le=65535, description="Evidently UI")
    lineage: int = Field(default=7878, ge=1, le=65535, description="lineage over HTTP, `handrail serve`")


class Settings(BaseSettings):
    """What differs between one installation and another. Environment beats YAML beats default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    project: Path = Field(description="folder that holds config/, dvc.yaml and feature_repo/")
    home: Path = Field(description="run-time state: stores, credentials, artifacts")
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of Handrail's own store; a SQLite file under home if unset"
    )
    host: str = Field(default="127.0.0.1", description="address that servers started by Handrail listen on")
    ports: Ports = Ports()
    environment: str = Field(default="local", pattern=r"^[a-z][a-z0-9-]*$", description="name in deploy:// URIs")
    repository: str = Field(
        default="handrail",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="name of this repository in git:// and dvc:// URIs",
    )
    repository_url: str | None = Field(
        default=None, description="where this repository is cloned from; the remotes of the project's checkout if unset"
    )
    model_name: str = Field(
        default="flights", pattern=r"^[A-Za-z0-9._-]+$", description="registered model that is served"
    )
    model_alias: str = Field(default="champion", min_length=1, description="alias of the model that is served")
    gate_server: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="name of the MLflow server whose permits allow serving; this home's own if unset",
    )
    gate_key_id: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="id of the gate's key: another key in its place is refused"
    )
    replay: bool = Field(default=False, description="read event time from home/replay/now instead of the system clock")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="names by which browsers may address `handrail serve`, beside localhost, `host` and any IP "
        "address; commas between them in the variable",
    )
    lineage_max_bytes: int = Field(default=25_000_000, ge=1, description="most bytes of lineage events, unpacked")
    feedback_max_bytes: int = Field(default=64_000_000, ge=1, description="the same for predictions and feedback")
    stream: StreamSettings = StreamSettings()
    online: OnlineSettings = OnlineSettings()
    callers: CallerSettings = CallerSettings()
    lineage_trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses of reverse proxies before `handrail serve`; commas between them in the variable",
    )
    approvals_most_open: int = Field(default=100, ge=1, description="open promotion requests of one account")
    approvals_most_kept: int = Field(
        default=200_000_000, ge=1, description="characters of requests with their evidence kept for one account"
    )
    approvals_hold_days: int = Field(
        default=30, ge=0, description="days for which a version superseded as an alias's target is held at least"
    )
    approvals_home: Path | None = Field(
        default=None, description="folder of the gate's ledger, keys, log and permits, kept by a keeper; home if unset"
    )
    approvals_database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of the gate's ledger; a file below approvals_home if that is set"
    )
    approvals_socket: Path | None = Field(
        default=None, description="Unix socket of the keeper of ledger and keys; MLflow's own process if unset"
    )
    approvals_user: str | None = Field(default=None, description="user of the keeper, a name or 990:990; needs root")
    confirmations: Confirmations = Confirmations()
    metrics_token: LongSecret | None = Field(
        default=None, description="bearer token that reads the gate's metrics; without it a login does"
    )
    mlflow_url: str | None = Field(default=None, description="MLflow server with the app; from host and port if unset")
    mlflow_routes: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="what MLflow's server has and the gate keeps off: assistant, jobs, demo, gateway, or 'POST /path'; "
        "commas between them in the variable",
    )
    mlflow_inner_app: str = Field(
        default="basic-auth",
        pattern=r"^(basic-auth|[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*)$",
        description="app with logins that the gate's server wraps: basic-auth, or a function as module:function",
    )
    mlflow_trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses of reverse proxies that log people in for MLflow; commas between them in the variable",
    )
    mlflow_user_header: str | None = Field(
        default=None, description="header in which a trusted proxy names the account; needs mlflow_trusted_proxies"
    )
    notify_urls: SecretStr | None = Field(default=None, description="Apprise addresses for alerts, spaces between")
    prefect_url: str | None = Field(default=None, description="Prefect server; from host and port if unset")
    bento_url: str | None = Field(default=None, description="the serving bento; from host and port if unset")

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given

    @classmethod
    def settings_customise_sources(  # noqa: PLR0913 - pydantic-settings dictates the arguments
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment beat what `load_settings` read from YAML."""
        return env_settings, init_settings

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of Handrail's own store, secrets included: never print it."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.home / 'handrail.db'}"

    @property
    def credentials(self) -> Path:
        """Folder of generated secrets, readable by the owner alone."""
        return self.home / "credentials"

    @property
    def gate_home(self) -> Path:
        """Folder of everything that the gate keeps."""
        return self.approvals_home or self.home

    @property
    def gate_credentials(self) -> Path:
        """Folder of the gate's private keys, readable by the owner alone."""
        return self.gate_home / "credentials"

    @property
    def approvals_url(self) -> str:
        """The SQLAlchemy URL of the gate's ledger, secrets included: never print it."""
        if self.approvals_database_url:
            return self.approvals_database_url.get_secret_value()
        return f"sqlite:///{self.approvals_home / 'ledger' / 'approvals.db'}" if self.approvals_home else self.store_url

    @property
    def labels(self) -> Path:
        """Folder of labelled rows that were handed in, readable by the owner alone."""
        return self.gate_home / "labels"

    @property
    def permits(self) -> Path:
        """Folder of signed permits and of the gate's public key."""
        return self.gate_home / "permits"

    @property
    def log(self) -> Path:
        """Folder of the approvals' transparency log: checkpoint, tiles and the log's public key."""
        return self.gate_home / "log"

    @property
    def config(self) -> Path:
        """Folder of policies, roles, objectives and the plugins' own YAML files."""
        return self.project / "config"

    @property
    def replay_clock(self) -> Path | None:
        """The file that holds event time in replay mode; None in production."""
        return self.home / "replay" / "now" if self.replay else None

    def url(self, tool: Literal["mlflow", "prefect", "bento"]) -> str:
        """Return the address of a running tool, without a slash at the end."""
        given: str | None = getattr(self, f"{tool}_url")
        return given.rstrip("/") if given else f"http://{self.host}:{getattr(self.ports, tool)}"


def make_home(settings: Settings) -> Path:
    """Return settings.home, made if need be, and hidden from git: it holds credentials and the signing key.

    Nothing is hidden where home is the project itself, a folder above it, or the root of a repository. What cannot be
    made is left to whoever writes there next, who can say what is missing.
    """
    home = settings.home
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        if not settings.project.is_relative_to(home) and not (home / ".git").exists():
            with (home / ".gitignore").open("x", encoding="utf-8") as file:
                file.write("*\n")
    return home


def load_settings(start: Path | None = None) -> Settings:
    """Read settings for the project around `start` (the current folder if None); paths come back absolute.

    Raises:
        Misconfigured: config/handrail.yaml or a HANDRAIL_* variable has an unknown key or a wrong value.
    """
    project = Path(os.environ.get("HANDRAIL_PROJECT") or find_project((start or Path.cwd()).resolve())).resolve()
    file = project / CONFIG_FILE
    source = read_yaml(file) if file.is_file() else YamlSource(str(file), {}, None)
    values = dict(source.values)
    home = Path(os.environ.get("HANDRAIL_HOME") or values.get("home") or ".handrail")
    values |= {"project": project, "home": home}
    _look_at_names(tuple(sorted(name for name in os.environ if name.startswith(PREFIX))))
    try:
        settings = Settings(**values)
    except ValidationError as err:
        raise _blame(source, err) from err
    except SettingsError as err:
        # The only setting that is given as a whole in JSON.
        raise Misconfigured(
            f"{PREFIX}PORTS", "it is not JSON", f"Set each port by itself, as {PREFIX}PORTS__MLFLOW=5000."
        ) from err
    places = {name: getattr(settings, name) for name in ("home", "approvals_home", "approvals_socket")}
    absolute = {name: (project / place).resolve() for name, place in places.items() if place is not None}
    return settings.model_copy(update={"project": project, **absolute})


def _blame(source: YamlSource, err: ValidationError) -> Misconfigured:
    """Return the error about one value, named after the variable that gave it if there is one, else after the file."""
    secret = any(name in _SECRETS for error in err.errors() for name in error["loc"][:1])
    location, problem, mend = explained(err, Settings, secret=secret)
    parts = [str(part) for part in location]
    given = {name.upper(): name for name in os.environ}
    ways = (PREFIX + "__".join(parts[:depth]).upper() for depth in range(len(parts), 0, -1))
    variable = next((given[way] for way in ways if way in given), None)
    if variable is None:
        return source.wrong(location, problem, mend or "Correct it there.")
    return Misconfigured(variable, f"{'.'.join(parts)!r} {problem}", mend or "Correct the variable, or unset it.")


@lru_cache(maxsize=8)
def _look_at_names(names: tuple[str, ...]) -> None:
    """Refuse a variable that is nearly a setting of Handrail, and warn once about one that Handrail does not use.

    A release may not stop for what an orchestrator or a newer release sets, but a name that is nearly right is wrong.
    """
    known = [field.upper() for field in Settings.model_fields]
    for field, info in Settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            known += [f"{field.upper()}__{name.upper()}" for name in info.annotation.model_fields]
    for name in names:
        given = name.removeprefix(PREFIX)
        if given in known or _OTHERS.fullmatch(given):
            continue
        near = get_close_matches(given.upper(), known, n=1, cutoff=0.75)
        if near:
            raise Misconfigured(name, "there is no such setting", f"Did you mean {PREFIX}{near[0]}?")
        _log.warning("%s is not a setting of Handrail and changes nothing; README.md lists them.", name)
