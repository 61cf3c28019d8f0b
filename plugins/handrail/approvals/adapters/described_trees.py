"""What the files of a kept tree say: the features and the packages that an MLflow model names. Nothing is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import yaml

from handrail.approvals.adapters.folder_trees import read_mlmodel
from handrail.approvals.difference_ports import TreeDescriptions
from handrail.approvals.domain.formats import MLMODEL
from handrail.approvals.domain.prompts import is_of_prompt
from handrail.approvals.domain.sides import NamedFeatures, TreeFacts
from handrail.approvals.evidence_ports import TreeCopies
from handrail.manifest import FileEntry, Manifest

REQUIREMENTS, CONDA, PYTHON, SCORING = "requirements.txt", "conda.yaml", "python_env.yaml", "scoring.json"
LARGEST = 1 << 18
"""A list of packages or a description that is larger is not read."""
KEPT = 16
"""Trees never change, so what was read of so many is kept."""
MOST_NAMES = 20_000
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<rest>(?:\[[^\]]*\])?\s*(?:[=<>!~@;].*)?)")
_CONDA = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<rest>[=<>!~ ].*)?")


class DescribedTrees(TreeDescriptions):
    """Keeps the promise of `TreeDescriptions` over the gate's own copies."""

    def __init__(self, copies: TreeCopies) -> None:
        """Read from these copies."""
        self._copies = copies
        self._known = lru_cache(KEPT)(self._described)

    def described(self, tree_digest: str) -> TreeFacts:
        """Return what the files of a tree say, read once."""
        return self._known(tree_digest)

    def _described(self, tree_digest: str) -> TreeFacts:
        manifest = self._copies.manifest(tree_digest)
        if is_of_prompt(manifest):
            texts = {entry.path: self._copies.read(entry).decode("utf-8", "replace") for entry in manifest.files}
            return TreeFacts(manifest, texts=texts)
        files = _Files(self._copies, manifest)
        features = files.said(MLMODEL, _features)
        service = files.said(SCORING, _service)
        packages = _joined(
            files.said(REQUIREMENTS, _requirements), files.said(CONDA, _conda), files.said(PYTHON, _python)
        )
        settings = files.said(SCORING, _settings)
        unread = tuple(dict.fromkeys(files.unread))
        return TreeFacts(manifest, features, packages, service, unread, settings=settings)


class _Files:
    """The files at the top of a tree, each read by what it should be."""

    def __init__(self, copies: TreeCopies, manifest: Manifest) -> None:
        self._copies = copies
        self._entries: Mapping[str, FileEntry] = {entry.path: entry for entry in manifest.files}
        self.unread: list[str] = []

    def said(self, path: str, read: Callable[[bytes], Any]) -> Any:
        """Return what a file says; None if there is none, or it is not what it should be."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        try:
            if entry.size > LARGEST:
                raise ValueError(f"it has more than {LARGEST:,} bytes")
            return read(self._copies.read(entry))
        except ValueError as err:
            self.unread.append(f"{path} cannot be read: {str(err)[:200]}.")
            return None


def _features(content: bytes) -> tuple[str, ...] | None:
    """Return the names of the inputs in the signature of an MLmodel; None if it has none, or they have no names."""
    described = read_mlmodel(content)
    signature = described.get("signature") if isinstance(described, dict) else None
    inputs = signature.get("inputs") if isinstance(signature, dict) else None
    columns = _json(inputs) if isinstance(inputs, str) else None
    names = [str(each["name"]) for each in columns or () if isinstance(each, dict) and "name" in each]
    return tuple(dict.fromkeys(names[:MOST_NAMES])) or None


def _service(content: bytes) -> NamedFeatures | None:
    """Return the feature service by which a package of Handrail is fed."""
    described = _json(content)
    service = described.get("feature_service") if isinstance(described, dict) else None
    if not isinstance(service, dict) or not isinstance(service.get("name"), str):
        return None
    spec = service.get("spec_hash")
    return NamedFeatures(service["name"], f"sha256:{spec}" if isinstance(spec, str) else None)


def _settings(content: bytes) -> dict[str, Any] | None:
    """Return the single values of a package of Handrail, like its threshold."""
    described = _json(content)
    if not isinstance(described, dict):
        return None
    return {name: value for name, value in described.items() if isinstance(value, str | int | float)}


def _requirements(content: bytes) -> dict[str, str]:
    """Return the lines of a requirements file by the name of the package, without options."""
    text = re.sub(r"\\\r?\n", " ", content.decode("utf-8"))
    return _by_name(line.partition(" #")[0] for line in text.splitlines())


def _by_name(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in list(lines)[:MOST_NAMES]:
        wanted = re.sub(r"\s--hash=\S+", "", line.strip()).strip()
        if not wanted or wanted.startswith(("#", "-")):
            continue
        named = _REQUIREMENT.fullmatch(wanted)
        found[_folded(named["name"]) if named else wanted] = (named["rest"].strip() if named else "") or "any"
    return found


def _folded(name: str) -> str:
    """Return a name as the index of packages compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _conda(content: bytes) -> dict[str, str]:
    """Return the packages of a conda environment: those that pip installs by name, its own as `name (conda)`."""
    described = _yaml(content)
    listed = described.get("dependencies") if isinstance(described, dict) else None
    found: dict[str, str] = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("pip"), list):
            found |= _by_name(str(line) for line in each["pip"])
        elif isinstance(each, str) and (named := _CONDA.fullmatch(each.strip())):
            name = named["name"].lower()
            found[name if name == "python" else f"{name} (conda)"] = (named["rest"] or "any").strip(" =") or "any"
    return found


def _python(content: bytes) -> dict[str, str]:
    described = _yaml(content)
    version = described.get("python") if isinstance(described, dict) else None
    return {} if version is None else {"python": str(version)}


def _joined(*lists: dict[str, str] | None) -> dict[str, str] | None:
    """Join lists of packages; where a later one says something else, both stand there."""
    known = [each for each in lists if each is not None]
    found: dict[str, str] = {}
    for each in known:
        for name, wanted in each.items():
            said = found.setdefault(name, wanted)
            if wanted not in said.split(" | "):
                found[name] = f"{said} | {wanted}"
    return found if known else None


def _json(content: bytes | str) -> Any:
    try:
        return json.loads(content)
    except RecursionError as err:
        raise ValueError("it is nested too deep") from err


def _yaml(content: bytes) -> Any:
    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as err:
        raise ValueError("it is not YAML") from err
