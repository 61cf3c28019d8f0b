"""The pipelines that may sign evidence: what config/identities.yaml says, at each use."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from handrail.approvals.adapters.ed25519_pipelines import read_public_key
from handrail.approvals.attestation_ports import Identities
from handrail.approvals.domain.attesting import Identity
from handrail.approvals.domain.people import Directory
from handrail.config import Section, parse_config
from handrail.errors import Misconfigured

FILE = "config/identities.yaml"
REMEDY = "Correct the file; no statement of a pipeline counts until then."
Text = Annotated[str, Field(min_length=1, pattern=r"\S", strict=True)]
EvidenceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", strict=True)]


class IdentityKeys(Section):
    """One pipeline: its key, for whom it acts, and what it may sign."""

    key: Annotated[Text, Field(description="an Ed25519 public key: PEM, or one line ssh-ed25519 ...")]
    owner: Annotated[Text, Field(description="a person or a service of roles.yaml")]
    predicates: Annotated[dict[EvidenceName, Text], Field(min_length=1)]
    models: Annotated[list[Text], Field(min_length=1)]


class IdentitiesFile(Section):
    """The pipelines by name."""

    version: Literal[1]
    identities: dict[Text, IdentityKeys] | None = None


class YamlIdentities(Identities):
    """Keeps the promise of `Identities` with a text that people wrote."""

    def __init__(self, text: Callable[[], str | None]) -> None:
        """Read what `text` returns at each call; None says that there is no such file."""
        self._text = text
        self._parsed: tuple[str, Mapping[str, Identity]] | None = None

    def known(self) -> Mapping[str, Identity]:
        """Return every pipeline by the id of its key.

        Raises:
            Misconfigured: a key is misspelt, is no Ed25519 key, or belongs to two pipelines.
        """
        text = self._text()
        if text is None:
            return {}
        if self._parsed is None or self._parsed[0] != text:
            self._parsed = text, _parse(text)
        return self._parsed[1]

    def check(self, directory: Directory) -> None:
        """Read everything once, and check that somebody answers for each pipeline.

        Raises:
            Misconfigured: it cannot be used, or nobody of that name is in roles.yaml.
        """
        for one in self.known().values():
            if not directory.accounts_of(one.owner):
                problem = f"{one.owner!r}, the owner of the pipeline {one.name!r}, is neither a person nor a service"
                raise Misconfigured(FILE, problem, "Name one of config/roles.yaml.")


def _parse(text: str) -> Mapping[str, Identity]:
    found: dict[str, Identity] = {}
    for name, keys in (parse_config(text, IdentitiesFile, shown=FILE, remedy=REMEDY).identities or {}).items():
        try:
            key_id, public_key = read_public_key(keys.key)
        except ValueError as err:
            raise Misconfigured(FILE, f"the key of {name!r} cannot be used: {err}", REMEDY) from err
        if key_id in found:
            raise Misconfigured(FILE, f"{found[key_id].name!r} and {name!r} have the same key", REMEDY)
        found[key_id] = Identity(name, key_id, public_key, keys.owner, dict(keys.predicates), tuple(keys.models))
    return found
