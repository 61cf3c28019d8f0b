"""Gets what an alias points at from the MLflow server, and gives only what its permit allows for that use."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap.approvals import open_permit_verifier, project_use
from handrail.clock import system_time
from handrail.entrypoints.http.gate_client import GateClient
from handrail.errors import InvalidInput, Unavailable
from handrail.refs import Use
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.approvals import Permit, PermitVerifier

OLDEST_LIST = timedelta(hours=24)
"""How old a list of revoked permits may be that a server has just sent: it signs one at each call."""


@dataclass(frozen=True, slots=True)
class Login:
    """An MLflow server and an account there."""

    url: str
    username: str
    password: str


def read_address(uri: str, schemes: tuple[str, ...] = ("models",)) -> tuple[str, str]:
    """Return the model and alias of an address as `models:/<model>@<alias>`.

    Raises:
        InvalidInput: it is another kind of address.
    """
    scheme, colon, rest = uri.partition(":")
    model, at, alias = rest.strip("/").rpartition("@")
    if not (colon and at and model and alias) or scheme not in schemes or "/" in model + alias:
        remedy = f"Write {schemes[0]}:/<model>@<alias>: permits are for aliases."
        raise InvalidInput("model", f"{uri!r} names no alias of a model", remedy)
    return model, alias


def fetch(settings: Settings, login: Login, address: tuple[str, str], into: Path, key: Path | None = None) -> Permit:
    """Download what an alias points at, verify it for this project's use, and leave the private copy in a folder.

    Args:
        settings: name the gate's server, the environment, and the pinned key.
        login: server and account.
        address: model and alias.
        into: a new or empty folder; on any failure nothing is left there.
        key: the gate's public key; the project's if None.

    Raises:
        UnverifiedBytes: the permit is not for this use, was taken back, or does not cover exactly these bytes.
        UnknownReference: the alias has no permit, or the gate's server is another one.
        Misconfigured: the gate's public key is missing or not the pinned one.
        Unavailable: the server does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="handrail-fetch-") as folder:
        received = Path(folder)
        allowed = permitted(settings, login, address, received, key)
        tree = _download(login, allowed.permit, allowed.use.alias, received)
        return allowed.verifier.verify(tree, allowed.envelope, into, allowed.use)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The newest permit for a use of this project, and what has verified that it counts now."""

    use: Use
    permit: Permit
    envelope: bytes
    verifier: PermitVerifier


def permitted(
    settings: Settings, login: Login, address: tuple[str, str], received: Path, key: Path | None = None
) -> Allowed:
    """Get the newest permit for a model or prompt and its alias, and verify it; its bytes are still to be compared.

    `received` is a folder for what the server sends; the rest is as in `fetch`, and so is what is raised.
    """
    model, alias = address
    use = project_use(settings, model=model, alias=alias)
    with GateClient(login.url, login.username, login.password) as gate:
        envelope = gate.permit(use)
        (received / "revoked.dsse").write_bytes(gate.revocations())
    verifier = open_permit_verifier(settings, key, revoked=received / "revoked.dsse")
    permit = verifier.read(envelope)
    what = f"{model}@{alias}"
    verifier.require_use(permit, use, what)
    if system_time() - datetime.fromisoformat(verifier.revocations().issued) > OLDEST_LIST:
        problem = f"The list of permits that were taken back is of {verifier.revocations().issued}: it is too old."
        raise UnverifiedBytes(what, problem)
    return Allowed(use, permit, envelope, verifier)


def login_of(settings: Settings, tracking_uri: str | None = None) -> Login:
    """Log in as MLflow's own client does: MLFLOW_TRACKING_URI, or the project's server; environment or file."""
    from mlflow import get_tracking_uri
    from mlflow.utils.credentials import read_mlflow_creds

    named = tracking_uri or get_tracking_uri()
    url = named if named.startswith(("http://", "https://")) else settings.url("mlflow")
    account = read_mlflow_creds()
    return Login(url, account.username or "", account.password or "")


def _download(login: Login, permit: Permit, alias: str, into: Path) -> Path:
    """Download the version that the alias points at, if it is that of the permit; nothing is verified."""
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=login.url, registry_uri=login.url)
    try:
        points_at = client.get_model_version_by_alias(permit.model, alias).version
        if int(points_at) != permit.version:
            problem = f"{alias!r} points at version {points_at}, and the newest permit is for version {permit.version}."
            raise UnverifiedBytes(f"{permit.model}@{alias}", problem)
        place = client.get_model_version_download_uri(permit.model, str(permit.version))
        return Path(download_artifacts(artifact_uri=place, dst_path=str(into / "tree"), tracking_uri=login.url))
    except (MlflowException, OSError) as err:
        problem = str(err).splitlines()[0].rstrip(".") if str(err) else type(err).__name__
        raise Unavailable(f"models:/{permit.model}/{permit.version}", problem, "See the server's log.") from err
