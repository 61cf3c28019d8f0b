"""Reads `.dvc` files: data put under DVC by `dvc add`, `dvc import` or `dvc import-url`, which no stage makes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

import yaml

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.entries import Located, Place, data_of
from handrail.lineage.adapters.dvc.trees import ProjectTree

SUFFIX = ".dvc"


@dataclass(frozen=True, slots=True)
class DvcFile:
    """One `.dvc` file: what it tracks, and what that was taken from; `unhashed` are outputs that have no hash yet."""

    name: str
    outputs: tuple[Located, ...]
    sources: tuple[Located, ...]
    unhashed: tuple[str, ...] = ()


def read_dvc_files(tree: ProjectTree, place: Place) -> Iterator[DvcFile]:
    """Yield the `.dvc` files of a project.

    Raises:
        InvalidInput: one of them is not a `.dvc` file.
    """
    for name, text in tree.read_all(tree.named(f"*{SUFFIX}")).items():
        yield parse_dvc_file(name, text, place)


def parse_dvc_file(name: str, text: bytes, place: Place) -> DvcFile:
    """Read one `.dvc` file.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        content = yaml.safe_load(text) or {}
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(name), content.get("wdir") or ""))
        place = replace(place, folder="" if folder == "." else folder)
        outputs = [(item, data_of(item, place)) for item in content.get("outs") or ()]
        return DvcFile(
            name,
            tuple(one for _, found in outputs for one in found),
            tuple(one for item in content.get("deps") or () for one in data_of(item, place)),
            tuple(place.locate(str(item["path"])) for item, found in outputs if not found),
        )
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError) as err:
        raise InvalidInput(name, "it is not a .dvc file", "Restore it with git, or run: dvc add.") from err
