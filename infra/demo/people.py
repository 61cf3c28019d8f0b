"""The people of the demo: one author and two approvers, each with an account on the MLflow server."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from handrail.errors import Unavailable
from handrail.files import PRIVATE, create_file, replace_file


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an MLflow account and roles that the gates know."""

    name: str
    account: str
    roles: tuple[str, ...]


AUTHOR = Person("Ada Author", "ada", ("data-scientist",))
APPROVERS = (
    Person("Ben Engineer", "ben", ("ml-engineer",)),
    Person("Cleo Business", "cleo", ("business-stakeholder",)),
)
PEOPLE = (AUTHOR, *APPROVERS)


def credentials_name(person: Person) -> str:
    """Return the name (without .json) of the file below credentials/ that holds the person's login."""
    return f"demo-{person.account}"


def name_author_for_flows(credentials: Path) -> None:
    """Give flows that an automation starts the demo's author as their `author`."""
    password_of(credentials, AUTHOR.account)
    login = (credentials / f"{credentials_name(AUTHOR)}.json").read_text(encoding="ascii")
    replace_file(credentials / "author.json", login.encode("ascii"), mode=PRIVATE)


def password_of(credentials: Path, account: str) -> str:
    """Return the account's password, made at its first use and stored readable by the owner alone."""
    file = credentials / f"demo-{account}.json"
    fresh = json.dumps({"username": account, "password": secrets.token_urlsafe(24)}).encode("ascii")
    return str(json.loads(create_file(file, fresh))["password"])


def make_accounts(mlflow_url: str, credentials: Path) -> None:
    """Create the accounts that MLflow lacks, as its generated admin. Safe to repeat.

    Raises:
        Unavailable: the server refuses to make an account.
    """
    admin = json.loads((credentials / "mlflow-admin.json").read_text(encoding="utf-8"))
    with httpx.Client(base_url=mlflow_url, auth=(admin["username"], admin["password"]), timeout=30) as client:
        for person in PEOPLE:
            answer = client.post(
                "/api/2.0/mlflow/users/create",
                json={"username": person.account, "password": password_of(credentials, person.account)},
            )
            exists = answer.status_code == 400 and "RESOURCE_ALREADY_EXISTS" in answer.text
            if answer.status_code != 200 and not exists:
                raise Unavailable(
                    "MLflow", f"it made no account {person.account!r}: {answer.text[:200]}", "See its log."
                )


def write_roles(file: Path) -> None:
    """Name the demo's people in the clone's roles file."""
    people = {person.name: {"accounts": [person.account], "roles": list(person.roles)} for person in PEOPLE}
    text = yaml.safe_dump({"version": 1, "persons": people}, sort_keys=False)
    file.write_text(f"# Who may decide here: written by the demo.\n{text}", encoding="utf-8")
