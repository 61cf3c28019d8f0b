"""Opens an MLflow server or store from outside, and names it. MLflow is imported when it is opened, not before."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from handrail.bootstrap.approvals import server_name
from handrail.bootstrap.mlflow_server import small_tree_digest
from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.http.gate_client import NotLoggedIn
from handrail.entrypoints.mlflow.collect.reading import Reader
from handrail.errors import Unavailable, UnknownReference
from handrail.settings import Settings
from handrail.tools import require

TRACKING_URI = "MLFLOW_TRACKING_URI"
REMEDY = "Start it, or name another with --tracking-uri or MLFLOW_TRACKING_URI."
CONNECT_TIMEOUT_S = 5
CURRENT_USER, OK, UNKNOWN = "/api/2.0/mlflow/users/current", 200, 401
_PORTS = {"http": 80, "https": 443}
_SQLITE = "sqlite:///"
# MLflow's own default waits for minutes before it says that a server is not there.
_LIMITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}


def find_tracking_uri(settings: Settings, given: str | None) -> str:
    """Return where MLflow is: as given, as MLflow's environment says, the project's server, or MLflow's own default.

    Raises:
        MissingTool: MLflow is not installed.
    """
    require("mlflow", "mlflow")
    address = given or os.environ.get(TRACKING_URI) or settings.mlflow_url
    if address:
        return address.rstrip("/")
    import mlflow

    return str(mlflow.get_tracking_uri())


def name_server(settings: Settings, given: str | None) -> str:
    """Return what the server is called in URIs: a project has one MLflow, so that everybody names its runs alike.

    One that is given and is not the project's is named after its address.
    """
    own = {uri.rstrip("/") for uri in (settings.url("mlflow"), os.environ.get(TRACKING_URI)) if uri}
    if given is None or given.rstrip("/") in own:
        return server_name(settings)
    plain = without_secrets(given.rstrip("/"))
    parts = urlsplit(plain)
    if parts.scheme in ("http", "https") and parts.path in ("", "/"):
        return re.sub(r"[^a-z0-9.-]", "-", parts.netloc.lower())
    path = re.sub(r"^(sqlite|file):/{2,3}", "", plain)
    place = str(Path(path).resolve()) if "://" not in path else plain
    return f"store-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def open_client(uri: str) -> Any:
    """Return a client of the tracking server or store at `uri`, and of its registry.

    Raises:
        UnknownReference: there is no such file; MLflow would make an empty store.
        Unavailable: nobody listens at the server's address.
    """
    file = Path(uri.removeprefix(_SQLITE).partition("?")[0])
    if uri.startswith(_SQLITE) and not file.is_file():
        raise UnknownReference("MLflow store", str(file), "Name one with --tracking-uri, or set MLFLOW_TRACKING_URI.")
    _check_reachable(uri)
    for name, value in _LIMITS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _check_reachable(uri: str) -> None:
    """Raise soon if nobody listens at the address: MLflow's client tries for half a minute and longer."""
    parts = urlsplit(uri)
    host = parts.hostname
    behind_proxy = parts.scheme in getproxies() and not proxy_bypass(host or "")
    if parts.scheme not in _PORTS or not host or behind_proxy:
        return
    try:
        socket.create_connection((host, parts.port or _PORTS[parts.scheme]), timeout=CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as err:
        problem = f"nobody answers there ({getattr(err, 'strerror', None) or err})"
        raise Unavailable(f"MLflow at {without_secrets(uri)}", problem, REMEDY) from err


def find_limits_of_view(uri: str) -> str:
    """Return in a sentence that the account which logs in may not see everything there; empty if it is not limited.

    A server without logins, or a plain store, hides nothing.

    Raises:
        NotLoggedIn: the server wants a login, and knows no such account and password.
    """
    if urlsplit(uri).scheme not in _PORTS:
        return ""
    from mlflow.exceptions import MlflowException
    from mlflow.utils import credentials, rest_utils

    # Untyped, and how every client of MLflow logs in.
    creds_of: Any = credentials.get_default_host_creds
    ask: Any = rest_utils.http_request

    try:
        login = creds_of(uri)
        answer = ask(login, CURRENT_USER, "GET", raise_on_status=False)
        if answer.status_code == UNKNOWN:
            raise NotLoggedIn(without_secrets(uri), login.username or "")
        user = answer.json()["user"] if answer.status_code == OK else {"is_admin": True}
        is_limited, name = not user["is_admin"], str(user.get("username", ""))
    except (MlflowException, ValueError, KeyError, TypeError):
        return ""
    return f"The account {name!r} sees only what it may read on this server; there may be more." if is_limited else ""


def open_digests(reader: Reader, uri: str, *, download: bool) -> Callable[[Any], str | None]:
    """Return what computes the tree digest of a version whose files lie on this machine, or are downloaded for it."""

    def tree_of(version: Any) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            location = _location(reader, version)
            parts = urlsplit(location)
            if parts.scheme in ("", "file"):
                return small_tree_digest(Path(unquote(parts.path)))
            return _downloaded(location, uri) if download else None
        except (MlflowException, OSError):
            return None

    return tree_of


def _location(reader: Reader, version: Any) -> str:
    """Return where the files of a version lie; those of a run or logged model that was read are not asked for again."""
    client, source = reader.client, str(version.source)
    if re.match(r"models:/+(?!m-)", source):
        source = client.get_model_version_download_uri(version.name, version.version)
    kind, _, rest = source.partition(":")
    owner, _, path = rest.strip("/").partition("/")
    if kind == "runs":
        place = reader.artifacts.get(owner) or client.get_run(owner).info.artifact_uri
        return f"{place.rstrip('/')}/{path}"
    if kind == "models":
        return str(reader.artifacts.get(owner) or client.get_logged_model(owner).artifact_location)
    return source


def _downloaded(location: str, uri: str) -> str | None:
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory(prefix="handrail-model-") as folder:
        found = download_artifacts(artifact_uri=location, dst_path=folder, tracking_uri=uri)
        return small_tree_digest(Path(found))
