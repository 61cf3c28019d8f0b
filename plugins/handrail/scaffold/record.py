"""What `handrail init` decided, kept in the project: config/init.json, from which a later template is rendered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handrail.errors import Misconfigured, MissingFile
from handrail.scaffold.draft import Draft
from handrail.version import __version__

FILE = Path("config") / "init.json"
FORMAT = 1


def recorded(draft: Draft) -> bytes:
    """Return a draft as the content of config/init.json."""
    values = TypeAdapter(Draft).dump_python(draft, mode="json")
    content = {"version": FORMAT, "handrail": __version__, "draft": values}
    return f"{json.dumps(content, indent=1, ensure_ascii=False)}\n".encode()


def read_draft(project: Path) -> Draft:
    """Return the draft of a project.

    Raises:
        MissingFile: `handrail init` did not write this project.
        Misconfigured: the file was altered, or a later Handrail wrote it.
    """
    try:
        content: Any = json.loads((project / FILE).read_bytes())
    except FileNotFoundError as err:
        raise MissingFile(str(project / FILE), "Give the folder of a project that handrail init wrote.") from err
    except ValueError as err:
        raise Misconfigured(FILE.as_posix(), "it is not JSON", "Take it from git: git checkout -- config") from err
    if not isinstance(content, dict) or content.get("version") != FORMAT:
        raise Misconfigured(
            FILE.as_posix(), "its version is unknown", "Install the Handrail that wrote it, or a later one."
        )
    try:
        return TypeAdapter(Draft).validate_python(content["draft"])
    except (KeyError, ValidationError) as err:
        raise Misconfigured(
            FILE.as_posix(), "it does not hold a draft", "Take it from git: git checkout -- config"
        ) from err
