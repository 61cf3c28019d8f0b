"""`--as NAME` on every command that speaks to the MLflow server: the login comes from that account's file.

The file is `NAME.json` or `demo-NAME.json` below the project's credentials, `{"username": ..., "password": ...}`, and
readable by its owner alone.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from functools import update_wrapper
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from handrail.entrypoints.cli import completing
from handrail.errors import InvalidInput
from handrail.settings import load_settings

OPTION = "--as"
USER, ACCOUNT = "user", "account"
PRIVATE = 0o077
"""What group and others may do with a file; nothing of it is allowed."""
_NAME = re.compile(r"[A-Za-z0-9_.@+-]+")
_passwords: dict[str, str] = {}

As = Annotated[
    str | None,
    typer.Option(
        OPTION,
        help="Log in with this account's file of the project's credentials.",
        autocompletion=completing.accounts,
    ),
]


def password_from_file(user: str) -> str | None:
    """Return the password of an account that `--as` named in this process; None if it named another or none."""
    return _passwords.get(user)


def read_account(folder: Path, name: str) -> tuple[str, str]:
    """Return account and password from the file of that name.

    Raises:
        InvalidInput: there is no such file, others could read it, or it holds no login.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(OPTION, f"{name!r:.60} is no name of an account", "Give one such as ada.")
    file = next((file for file in _files(folder, name) if file.exists() or file.is_symlink()), None)
    if file is None:
        known = ", ".join(sorted(each.stem.removeprefix("demo-") for each in folder.glob("*.json"))) or "none"
        raise InvalidInput(OPTION, f"{str(folder)!r} has no {name}.json", f"Files there are: {known}.")
    try:
        # A link could lead to a file that others wrote, and a pipe would be waited for.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            _require_private(os.fstat(opened.fileno()), file)
            login = json.loads(opened.read())
        return str(login["username"]), str(login["password"])
    except OSError as err:
        raise InvalidInput(OPTION, f"{str(file)!r} cannot be read: {err.strerror}", "Give a file of yours.") from err
    except (ValueError, KeyError, TypeError) as err:
        remedy = 'Write {"username": "ada", "password": "..."} into it.'
        raise InvalidInput(OPTION, f"{str(file)!r} holds no login", remedy) from err


def _files(folder: Path, name: str) -> Iterator[Path]:
    yield from (folder / f"{name}.json", folder / f"demo-{name}.json")


def _require_private(status: os.stat_result, file: Path) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise InvalidInput(OPTION, f"{str(file)!r} is not a file of yours", "Give a file that you own.")
    if status.st_mode & PRIVATE:
        raise InvalidInput(
            OPTION, f"others may read {str(file)!r}", f"Run: chmod 600 {file}. Then change the password."
        )


def let_accounts_log_in(app: typer.Typer) -> None:
    """Give every command below `app` that has a `user` the option `--as`."""
    for command in app.registered_commands:
        if command.callback is not None and USER in inspect.signature(command.callback).parameters:
            command.callback = _with_account(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            let_accounts_log_in(group.typer_instance)


def _with_account(callback: Callable[..., Any]) -> Callable[..., Any]:
    signature, hints = inspect.signature(callback), get_type_hints(callback, include_extras=True)
    if ACCOUNT in signature.parameters:
        return callback
    required = signature.parameters[USER].default is inspect.Parameter.empty

    def run(**given: Any) -> Any:
        name = given.pop(ACCOUNT)
        if name is not None:
            given[USER], secret = read_account(load_settings().credentials, name)
            _passwords[given[USER]] = secret
        if required and not given[USER]:
            raise typer.BadParameter("Say who you are: --user NAME, or --as NAME.")
        return callback(**given)

    update_wrapper(run, callback)
    del run.__wrapped__  # type: ignore[attr-defined]
    optional = _optional(hints[USER])
    kinds = {**hints, USER: optional, ACCOUNT: As}
    kept = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            annotation=kinds[name],
            default=None if name == USER else parameter.default,
        )
        for name, parameter in signature.parameters.items()
    ]
    added = inspect.Parameter(ACCOUNT, inspect.Parameter.KEYWORD_ONLY, annotation=As, default=None)
    run.__signature__ = signature.replace(parameters=[*kept, added])  # type: ignore[attr-defined]
    run.__annotations__ = kinds
    return run


def _optional(hint: Any) -> Any:
    """Return the annotation of an option that may be left out, with the same names and help."""
    return Annotated[(str | None, *hint.__metadata__)]
