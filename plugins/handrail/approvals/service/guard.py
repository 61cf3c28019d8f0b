"""What may not be done directly, by anybody, on the server that the gate protects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import NoReturn
from urllib.parse import unquote, urlparse

from handrail.approvals.domain.errors import Protected
from handrail.approvals.domain.people import folded
from handrail.approvals.domain.prompts import prompt_address
from handrail.approvals.ports import Holds, Provenance, RuleBook
from handrail.approvals.service.changes import ChangesUnderWay

RESERVED_TAG_PREFIX = "approval."
PROMPT_TAG = "mlflow.prompt.is_prompt"
BOUND_TAGS = ("mlflow.source.", "mlflow.user", "mlflow.parentrunid", "lineage.", "handrail.")
_HOW_TO_MOVE = (
    "It moves only through the gate: open a promotion request with POST /handrail/api/v1/promotion-requests or "
    "'handrail approvals request', and let the roles in config/policies decide."
)
_LEAVE_PLACE = "Leave artifact_location out: the server gives each experiment a folder of its own."


class Guard:
    """Answers, for each thing that a server is asked to do, by raising `Protected` or not.

    Being an admin of the server makes no difference to any answer.
    """

    def __init__(self, rules: RuleBook, holds: Holds, provenance: Provenance, changes: ChangesUnderWay) -> None:
        """Protect the aliases that have a policy and the versions that are held, which begin after open `changes`."""
        self._rules = rules
        self._holds = holds
        self._provenance = provenance
        self._changes = changes

    def changing(self) -> AbstractContextManager[None]:
        """Enclose a question about what may be held, and the change itself: what is held meanwhile waits for it."""
        return self._changes.change()

    def is_protected(self, name: str, alias: str, *, prompt: bool = False) -> bool:
        """Whether the alias of a model, or of a prompt, has a policy, however it is spelt."""
        return self._rules.protected(name, alias, prompt=prompt)

    def alias(self, name: str, alias: str, *, prompt: bool = False) -> None:
        """Refuse to set or delete a protected alias of a model, or of a prompt, however it is spelt.

        Raises:
            Protected: it moves only through the gate.
        """
        if self.is_protected(name, alias, prompt=prompt):
            raise Protected(f"Changing the alias {alias!r} of {name!r} directly", _HOW_TO_MOVE)

    def name(self, old: str, new: str, aliases: Mapping[str, bool]) -> None:
        """Refuse to rename a model or prompt with an alias that is protected under the old name or the new one.

        `aliases` says for each whether it points at the text of a prompt.

        Raises:
            Protected: an alias would come under a policy, or out of one, without the gate.
        """
        for alias, prompt in aliases.items():
            if any(self.is_protected(name, alias, prompt=prompt) for name in (old, new)):
                remedy = f"Its alias {alias!r} has a policy under one of the two names: delete the alias first."
                raise Protected(f"Renaming {old!r} to {new!r}", remedy)

    def stage(self, model: str, *stages: str | None) -> None:
        """Refuse to enter or leave the stage Production, the older name for what the alias does.

        Raises:
            Protected: one of the stages is Production.
        """
        if any(folded(stage) == "production" for stage in stages if stage):
            raise Protected(f"Moving {model!r} into or out of the stage Production", _HOW_TO_MOVE)

    def tag(self, key: str) -> None:
        """Refuse tags that look like approvals, and the one that moves a model out of the models' permissions.

        Raises:
            Protected: the key is reserved.
        """
        if is_reserved_tag(key):
            raise Protected(
                f"Changing the tag {key!r}", "The key is reserved: approvals are read from the gate, never from tags."
            )

    def removal(self, kind: str, key: str) -> None:
        """Refuse to delete or rename a `version`, `model`, `run`, `experiment` or `logged_model` that is held.

        Raises:
            Protected: an alias or a permit depends on it.
        """
        holder = self._holds.holder(kind, key)
        if holder:
            _refuse_change(f"Deleting or renaming the {kind.replace('_', ' ')} {key!r}", holder)

    def is_held(self, kind: str, key: str) -> bool:
        """Whether a `version`, `model`, `run`, `experiment` or `logged_model` is held."""
        return self._holds.holder(kind, key) is not None

    def origin(self, kind: str, key: str, what: str) -> None:
        """Refuse to change what a held `version`, `run` or `logged_model` says of where it came from.

        Args:
            kind: as above.
            key: its id, as the store has it.
            what: what would change, as the beginning of a sentence.

        Raises:
            Protected: an alias or a permit depends on it.
        """
        holder = self._holds.holder(kind, key)
        if holder:
            _refuse_change(f"Changing the {kind.replace('_', ' ')} {key!r} ({what[0].lower()}{what[1:]})", holder)

    def place(self, location: str, others: Iterable[str]) -> None:
        """Refuse a place for an experiment's files that is a folder of this machine, or that touches another's.

        Args:
            location: the URI that was asked for.
            others: the places of the experiments that there are.

        Raises:
            Protected: files that appear there would become part of somebody else's candidate.
        """
        parsed = urlparse(location)
        if parsed.scheme in ("", "file"):
            raise Protected(f"Keeping artifacts at {location!r}", _LEAVE_PLACE)
        if parsed.scheme != "mlflow-artifacts":
            return
        wanted = _folders(location)
        taken = (_folders(other) for other in others if urlparse(other).scheme == "mlflow-artifacts")
        # MLflow's own places are named by a number, also those of experiments that are still to be made.
        if not wanted or wanted[0].isdigit() or any(_touches(wanted, other) for other in taken):
            raise Protected(f"Keeping artifacts at {location!r}", _LEAVE_PLACE)

    def write(self, path: str) -> None:
        """Refuse to change a file at, below or above the tree of a held version.

        Args:
            path: absolute, normalised, without links.

        Raises:
            Protected: the files are frozen.
        """
        holder = self._holds.holder_of_path(path)
        if holder:
            _refuse_change(f"Writing to {path.rsplit('/', 1)[-1]!r}", holder)

    def made(self, kind: str, key: str, account: str | None) -> None:
        """Remember that the account made this; an unknown one is not remembered: what it made cannot be promoted."""
        if account:
            self._provenance.record(kind, key, account)

    def uploaded(self, folder: str, sha256: str, account: str | None) -> None:
        """Remember that the account wrote a file with these bytes into the folder; call it before the file is there."""
        if account:
            self._provenance.record_upload(sha256, account)
            self._provenance.record("path", folder, account)

    def wrote_prompt(self, name: str, version: int, account: str | None, sha256: str | None = None) -> None:
        """Remember that the account wrote a part of a prompt's version, and first a template with these bytes."""
        if account and sha256:
            self._provenance.record_upload(sha256, account)
        self.made("path", prompt_address(name, version), account)

    def has_parent(self, run_id: str, parent: str) -> None:
        """Remember that a run is the child of another; whoever made one has a part in the other."""
        self._provenance.record_parent(run_id, parent)


def is_reserved_tag(key: str) -> bool:
    """Say whether a tag key belongs to the gate."""
    plain = folded(key)
    return plain.startswith(RESERVED_TAG_PREFIX) or plain == PROMPT_TAG


def is_bound_tag(key: str) -> bool:
    """Say whether a tag says where a run, a logged model or a version came from, in any spelling."""
    return folded(key).startswith(BOUND_TAGS)


def _folders(uri: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[/\\]+", unquote(urlparse(uri).path)) if part not in ("", ".")]
    return () if ".." in parts else tuple(parts)


def _touches(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _refuse_change(action: str, holder: str) -> NoReturn:
    raise Protected(action, f"An alias or a permit depends on {holder}; register a new version from a new run instead.")
