"""What an MLflow server with the Handrail app needs on disk before it starts: its admin, its secret, its auth.ini."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from handrail.errors import Misconfigured
from handrail.files import REMEDY, create_file, replace_file, unwritable

ADMIN = "handrail-admin"
AUTH_CACHE_TTL_S = 60
_AUTH_INI = """[mlflow]
default_permission = READ
database_uri = sqlite:///{database}
admin_username = {username}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
grant_default_workspace_access = false
auth_cache_ttl_seconds = {ttl}
"""


def prepare_mlflow_home(home: Path, credentials: Path, environment: str) -> dict[str, str]:
    """Make the generated admin, the server's secret and name, and auth.ini; return the server's own environment.

    Safe to repeat: what exists stays, except auth.ini, which is written again.

    Raises:
        Misconfigured: the admin's password file is gone while the server's accounts exist.
        Unavailable: the disk is full or a folder cannot be written.
    """
    accounts, admin_file = home / "auth.db", credentials / "mlflow-admin.json"
    if accounts.exists() and not admin_file.exists():
        raise Misconfigured(
            str(admin_file),
            f"it is missing, but {accounts} holds accounts",
            "Restore it, or remove both to start again.",
        )
    fresh = json.dumps({"username": ADMIN, "password": secrets.token_urlsafe(24)})
    try:
        admin = json.loads(create_file(admin_file, fresh.encode("ascii")))
        ini = _AUTH_INI.format(
            database=accounts, username=admin["username"], password=admin["password"], ttl=AUTH_CACHE_TTL_S
        )
    except (ValueError, KeyError, TypeError) as err:
        raise Misconfigured(str(admin_file), "it holds no username and password", "Restore the file.") from err
    secret = create_file(credentials / "mlflow-flask-secret", secrets.token_hex(32).encode("ascii"))
    _close(home)
    stable_server_name(home, environment)
    # configparser expands '%': a password or path that holds one is doubled.
    replace_file(home / "auth.ini", ini.replace("%", "%%").encode("utf-8"), mode=0o600)
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(home / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret.decode("ascii"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _close(home: Path) -> None:
    """Make the folder of the server, and its databases with the hashes of passwords, their owner's alone.

    Raises:
        Unavailable: the folder belongs to somebody else, or cannot be made.
    """
    with unwritable(home, REMEDY):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        (home / "artifacts").mkdir(mode=0o700, exist_ok=True)
        (home / "auth.db").touch(mode=0o600)
        for file in home.glob("*.db*"):
            file.chmod(0o600)


def stable_server_name(home: Path, environment: str) -> str:
    """Return the name of this MLflow server in URIs and permits, made at its first use.

    Raises:
        Misconfigured: the file holds no name.
    """
    file = home / "server-name"
    name = create_file(file, f"{environment}-{secrets.token_hex(4)}".encode("ascii")).decode("ascii", "replace").strip()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise Misconfigured(str(file), f"{name!r} is not a name", "Restore it: permits are bound to it.")
    return name
