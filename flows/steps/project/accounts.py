"""The account that flows use on the MLflow server. Passwords stay in files that only their owner reads."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

from handrail.errors import Misconfigured
from handrail.settings import Settings


@dataclass(frozen=True, slots=True)
class Account:
    """A login; its password never shows in a representation."""

    username: str
    password: str = field(repr=False)


def read_account(settings: Settings, name: str) -> Account:
    """Read `<home>/credentials/<name>.json`, which holds `username` and `password`.

    Raises:
        Misconfigured: there is no such file, or it holds something else.
    """
    file = settings.credentials / f"{name}.json"
    remedy = 'Write {"username": ..., "password": ...} into it, mode 0600.'
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Misconfigured("account", f"{name!r} is not the name of a credentials file", remedy)
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        return Account(held["username"], held["password"])
    except FileNotFoundError as err:
        raise Misconfigured(str(file), "there is no such account file", remedy) from err
    except (ValueError, KeyError, TypeError) as err:
        raise Misconfigured(str(file), "it does not hold an account", remedy) from err


def tracking_environment(settings: Settings, account: str | None) -> dict[str, str]:
    """Return MLflow's variables for logging to the server as `account`; with None nothing, the local store stays."""
    if account is None:
        return {}
    login, server = read_account(settings, account), settings.url("mlflow")
    return {
        "MLFLOW_TRACKING_URI": server,
        # Else the password would go to a registry that this process happens to name, or a login of ~/.netrc would win.
        "MLFLOW_REGISTRY_URI": server,
        "NETRC": os.devnull,
        "MLFLOW_TRACKING_USERNAME": login.username,
        "MLFLOW_TRACKING_PASSWORD": login.password,
    }
