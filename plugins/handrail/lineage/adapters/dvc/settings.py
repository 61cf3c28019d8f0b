"""What the settings of a DVC project say of its remotes and its cache. DVC is asked if it is installed."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.ignored import DVC, root_of
from handrail.lineage.domain.locked import MD5, LockedFile

OBJECTS = Path("files") / MD5
FILES = ("config", "config.local")
_REMOTE = re.compile(r"""['"]?remote "(?P<name>.+)"['"]?""")


@dataclass(frozen=True, slots=True)
class DvcSettings:
    """The addresses of the remotes by name, the default remote (empty if there is none), and the cache's folder."""

    remotes: Mapping[str, str]
    default: str
    cache: Path


def read_settings(project: Path) -> DvcSettings:
    """Read the settings that hold for a project: its own, and with DVC those of the user and of the machine too.

    Raises:
        InvalidInput: a file of settings cannot be read.
    """
    folder = root_of(project) / DVC
    found = _by_dvc(folder) if find_spec("dvc") is not None else _by_hand(folder)
    remotes = {name: _resolved(folder, str(values.get("url", ""))) for name, values in found.get("remote", {}).items()}
    cache = _resolved(folder, str(found.get("cache", {}).get("dir") or "cache"))
    return DvcSettings(remotes, str(found.get("core", {}).get("remote") or ""), Path(cache))


def cached_object(cache: Path, locked: LockedFile) -> Path:
    """Return where a cache keeps the file, or the list of the folder, that a lock names."""
    root = cache / OBJECTS if locked.hash_name == MD5 else cache
    return root / locked.md5[:2] / locked.md5[2:]


def _by_dvc(folder: Path) -> Mapping[str, Any]:
    from dvc.config import Config, ConfigError

    try:
        return dict(Config(str(folder), validate=False))
    except ConfigError as err:
        raise _unreadable(folder, err) from err


def _by_hand(folder: Path) -> Mapping[str, Any]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        # What does not exist is passed over.
        parser.read([folder / name for name in FILES], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as err:
        raise _unreadable(folder, err) from err
    found: dict[str, Any] = {name: dict(parser[name]) for name in ("core", "cache") if name in parser}
    named = ((_REMOTE.fullmatch(section), section) for section in parser.sections())
    return found | {"remote": {form["name"]: dict(parser[section]) for form, section in named if form}}


def _unreadable(folder: Path, err: Exception) -> InvalidInput:
    problem = f"it cannot be read: {str(err).splitlines()[0].rstrip('.')}"
    return InvalidInput(f"{folder.parent.name}/.dvc/config", problem, "Correct it, or restore it with git.")


def _resolved(folder: Path, address: str) -> str:
    """Make a relative address absolute: it is relative to the folder of the settings."""
    return address if not address or "://" in address else str((folder / Path(address).expanduser()).resolve())
