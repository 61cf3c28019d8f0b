"""Comparisons of versions that somebody recorded, as files below home: written by a command, read by pages.

A file is a comparison in the format `handrail.comparison/1`, named by who recorded it; recording the name again, at a
later moment, replaces it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handrail.errors import InvalidInput
from handrail.files import replace_file

FORMAT = "handrail.comparison/1"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
MOST_READ = 20
"""How many comparisons are read, in the order of their names."""


def write_comparison(home: Path, name: str, comparison: Mapping[str, Any]) -> Path:
    """Keep a comparison under a name, in one step; return its file.

    Raises:
        InvalidInput: it is no name for a file.
        Unavailable: the disk is full or read-only; what was there before stays.
    """
    if NAME.fullmatch(name) is None:
        problem = f"{name!r} is no name of small letters, digits, dots and hyphens"
        raise InvalidInput("record", problem, "Write it as challenger-in-may.")
    file = _folder(home) / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {**comparison, "format": FORMAT, "name": name}
    replace_file(file, f"{json.dumps(content, indent=2, sort_keys=True, default=str)}\n".encode())
    return file


def read_comparisons(home: Path) -> tuple[dict[str, Any], ...]:
    """Return the recorded comparisons by name; a file that is none is left out."""
    files = sorted(_folder(home).glob("*.json"))[:MOST_READ]
    return tuple(found for file in files if (found := _read(file)))


def _folder(home: Path) -> Path:
    return home / "comparisons"


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}
