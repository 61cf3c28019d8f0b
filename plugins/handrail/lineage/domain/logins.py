"""Takes logins and other secrets out of what producers send, before any of it is stored, shown or sent on.

User information in URLs goes, because it is no part of a name; what is called a password, a token or a key is hidden.
"""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"
# The part before the @ is the container there, and may be part of a name in Handrail's own URIs.
_NO_LOGINS = frozenset({"abfs", "abfss", "wasb", "wasbs", "actor", "bento", "evidently", "feast", "gx", "mlflow"})
_USER_INFORMATION = re.compile(r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*)://([^\s/?#\"'<>]*)@", re.IGNORECASE)
# In the address of a database a password may hold what ends an authority elsewhere; a number before a slash is a port.
_DATABASE_LOGIN = re.compile(
    r"((?:postgres|mysql|mariadb|redshift|snowflake|mongodb|redis|amqp|oracle|sqlserver|mssql|clickhouse|trino|presto|hive"
    r"|db2|teradata|vertica|cockroach)[a-z0-9+]*://)[^\s/?#@:\"']+:(?!\d+(?:[/?#]|$))[^\s\"']*@",
    re.IGNORECASE,
)
_ORACLE_LOGIN = re.compile(r"(jdbc:oracle:[a-z0-9]+:)[^\s/@\"':]+/[^\s@\"']*@", re.IGNORECASE)
_PASSWORD = r"passw(?:or)?d|passphrase|pwd|secret"
_SECRET = (
    rf"{_PASSWORD}|token|credentials?|api[-_.]?key|(?:access|account|private|secret|shared|client)[-_.]?key"
    r"|sig|signature|authorization"
)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s&;,\"'()}]+)"
_NAMED = re.compile(rf"((?:^|[?&;,\s({{])[\w-]*(?:(?:{_SECRET})=|(?:{_PASSWORD}):\s?)){_VALUE}", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_SECRET_KEY = re.compile(
    rf"(?:{_PASSWORD}|token|credentials?|authorization"
    r"|(?:api|access|account|private|secret|shared|client|encryption)[-_.]?key)$",
    re.IGNORECASE,
)
_JOINTS = str.maketrans("", "", "-_.")
_SUSPECT = (
    *(
        "@",
        "passw",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "credential",
        "authorization",
        "bearer",
        "sig=",
        "signature=",
    ),
    *("apikey", "accesskey", "accountkey", "privatekey", "sharedkey", "clientkey", "encryptionkey"),
)


def may_hold_logins(text: str) -> bool:
    """Return whether a text has to be looked at more closely: fast, and true too often rather than too rarely."""
    plain = text.lower().translate(_JOINTS)
    for sign in _SUSPECT:  # noqa: SIM110 - a generator takes twice the time of an event's intake here
        if sign in plain:
            return True
    return False


def without_logins(text: str) -> str:
    """Return a text without the logins in its URLs, and with values hidden that are called a secret."""
    if "://" in text and "@" in text:
        text = _USER_INFORMATION.sub(_without_user, _DATABASE_LOGIN.sub(r"\1", text))
    if "@" in text:
        text = _ORACLE_LOGIN.sub(r"\1@", text)
    return _BEARER.sub(rf"\1{HIDDEN}", _NAMED.sub(rf"\1{HIDDEN}", text))


def document_without_logins(document: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a JSON document without logins, and the paths of the values that were changed."""
    changed: list[str] = []
    return _masked(document, (), changed), tuple(changed)


def _without_user(found: re.Match[str]) -> str:
    scheme, login = found.groups()
    if scheme.lower() not in _NO_LOGINS:
        return f"{scheme}://"
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}@" if colon else found[0]


def _masked(value: Any, path: tuple[str, ...], changed: list[str]) -> Any:
    if isinstance(value, dict):
        hidden = _hidden_key(value)
        return {
            _text(key, path, changed): _hidden(each, (*path, key), changed)
            if key == hidden or _SECRET_KEY.search(key)
            else _masked(each, (*path, key), changed)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_masked(each, (*path, str(place)), changed) for place, each in enumerate(value)]
    return _text(value, path, changed) if isinstance(value, str) else value


def _hidden_key(pair: dict[str, Any]) -> str | None:
    """Return the key of the secret in a pair such as {"name": "DB_PASSWORD", "value": "..."}; None if it has none."""
    name = pair.get("name", pair.get("key"))
    return "value" if isinstance(name, str) and _SECRET_KEY.search(name) else None


def _hidden(value: Any, path: tuple[str, ...], changed: list[str]) -> Any:
    if not isinstance(value, str):
        return _masked(value, path, changed)
    if value and value != HIDDEN:
        changed.append(".".join(path))
    return value and HIDDEN


def _text(text: str, path: tuple[str, ...], changed: list[str]) -> str:
    plain = without_logins(text)
    if plain != text:
        changed.append(".".join(path))
    return plain
