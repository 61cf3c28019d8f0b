"""Reads BentoML's store of files: each bento's content, models and labels. It needs no BentoML."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from handrail.clock import parse_moment
from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.domain.pipeline import tree_digest
from handrail.refs import BentoTag

DESCRIPTION = "bento.yaml"
MODEL_FILE = "MLmodel"
PERMIT = "permit.json"
ADDED_BY_MLFLOW = "registered_model_meta"
"""A file that MLflow writes into what it downloads from the registry; it is not part of the version."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model of BentoML's own store. `trees` are the digests of the MLflow models in it.

    The digest is `sha256:<hex>` over its files, None if it is not (or no longer) in the store.
    """

    name: str
    version: str
    digest: str | None
    trees: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """`bento-model://<name>/<version>`."""
        return f"bento-model://{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class StoredBento:
    """A built bento. `trees` are the digests of the MLflow models among its files, `permit` Handrail's permit in it."""

    tag: BentoTag
    folder: Path
    built_at: datetime
    digest: str
    labels: Mapping[str, str] = field(default_factory=dict)
    models: tuple[StoredModel, ...] = ()
    trees: tuple[str, ...] = ()
    permit: Path | None = None


class BentoStore:
    """The bentos and models below one folder, BentoML's `BENTOML_HOME`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def folders(self) -> Iterator[Path]:
        """Return the folder of every finished bento, in the order of their tags."""
        yield from (file.parent for file in sorted((self._home / "bentos").glob(f"*/*/{DESCRIPTION}")))

    def served_as(self, service: str, version: str) -> Path | None:
        """Return the folder of the bento of that version whose service has that name; None if there is none.

        A service knows its own name and its bento's version, never the bento's name.
        """
        folders = [folder for folder in self.folders() if folder.name == version]
        return next((folder for folder in folders if _service_of(folder) == service), None)

    def read(self, folder: Path) -> StoredBento:
        """Return the content of a bento's folder.

        Raises:
            InvalidInput: it is not a bento.
        """
        description = _describe(folder)
        try:
            moment = description["creation_time"]
            return StoredBento(
                tag=BentoTag(str(description["name"]), str(description["version"])),
                folder=folder,
                built_at=parse_moment(moment if isinstance(moment, str) else moment.isoformat()),
                digest=bento_digest(folder),
                labels={str(name): str(value) for name, value in (description.get("labels") or {}).items()},
                models=tuple(self._model(str(each["tag"])) for each in _models(description)),
                trees=_trees(folder / "src"),
                permit=next((file for file in [folder / "src" / PERMIT] if file.is_file()), None),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise _damaged(folder, err) from err

    def _model(self, tag: str) -> StoredModel:
        name, _, version = tag.partition(":")
        if not (_NAME.fullmatch(name) and _NAME.fullmatch(version)):
            raise ValueError(f"{tag!r} is not a tag of a model")
        folder = self._home / "models" / name / version
        if not (folder / "model.yaml").is_file():
            return StoredModel(name, version, None)
        members = ProjectFiles(folder.parent).folder(version).members
        return StoredModel(name, version, tree_digest(members, version), _trees(folder))


def _describe(folder: Path) -> Mapping[str, Any]:
    try:
        description = yaml.safe_load((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as err:
        raise _damaged(folder, err) from err
    return description if isinstance(description, dict) else {}


def _service_of(folder: Path) -> object:
    """Return the name of a bento's service; None of a damaged bento, which serves nothing."""
    try:
        return _describe(folder).get("entry_service")
    except InvalidInput:
        return None


def _damaged(folder: Path, err: Exception) -> InvalidInput:
    said = str(err).splitlines()[0] if str(err) else type(err).__name__
    problem = f"it is not a bento: {said.rstrip('.')}"
    return InvalidInput(str(folder), problem, "Build it again, or delete it with bentoml delete.")


def bento_digest(folder: Path) -> str:
    """Return `sha256:<hex>` over every file of a bento by path and content, but the one that says when it was built."""
    files = (file for file in sorted(folder.glob("**/*")) if file.is_file() and "__pycache__" not in file.parts)
    manifest = [
        [str(file.relative_to(folder)), hashlib.sha256(file.read_bytes()).hexdigest()]
        for file in files
        if file != folder / DESCRIPTION
    ]
    return "sha256:" + hashlib.sha256(json.dumps(manifest).encode()).hexdigest()


def _models(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the models of the bento and of the services in it, each once."""
    every = [
        *(description.get("models") or ()),
        *(each for one in description.get("services") or () for each in one["models"]),
    ]
    return list({str(each["tag"]): each for each in every}.values())


def _trees(folder: Path) -> tuple[str, ...]:
    """Return the digest of every MLflow model below a folder, as the gate computes it; models in models are parts."""
    found: list[Path] = []
    for file in sorted(folder.rglob(MODEL_FILE), key=lambda file: len(file.parts)):
        if not any(file.is_relative_to(tree) for tree in found):
            found.append(file.parent)
    return tuple(sorted(_tree(folder) for folder in found))


def _tree(folder: Path) -> str:
    members = ProjectFiles(folder.parent).folder(folder.name).members
    added = f"{folder.name}/{ADDED_BY_MLFLOW}"
    return tree_digest([member for member in members if member.path != added], folder.name)
