"""Files of JSON documents: one document, a list of them, or one a line. A file is read once for each content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from handrail.acquisition.adapters.yaml_sources import Documents
from handrail.acquisition.domain.pages import Page, Position
from handrail.acquisition.ports import Source
from handrail.errors import InvalidInput, Unavailable

AT_ONCE = 5_000
LARGEST = 256 * 2**20
"""A file that is one document is read whole; from here on, a line for each document is needed."""


class JsonDocuments(Source):
    """The files below a folder that fit a pattern, in the order of their names."""

    def __init__(self, settings: Documents, project: Path) -> None:
        """Take paths below the project.

        Raises:
            InvalidInput: the pattern leads out of the project.
        """
        if Path(settings.path).is_absolute() or ".." in Path(settings.path).parts:
            raise InvalidInput("path", f"{settings.path!r} leads out of the project", "Write one below it.")
        self._settings, self._project = settings, project

    @property
    def name(self) -> str:
        """The pattern."""
        return f"files://{self._settings.path}"

    def pages(self, since: Position | None) -> Generator[Page, None, None]:
        """Read the files whose content was not read before, whatever their name is now."""
        done = dict((since or {}).get("files", {}))
        for file in sorted(self._project.glob(self._settings.path)):
            shown = file.relative_to(self._project).as_posix()
            digest = self._digest(file, shown)
            if done.get(shown) == digest:
                continue
            for page in self._read(file, shown):
                yield replace(page, position={"files": dict(done)})
            done[shown] = digest
            yield Page((), {"files": dict(done)})

    def confirm(self, page: Page) -> None:
        """A folder keeps its files."""

    def close(self) -> None:
        """Nothing is open."""

    def _digest(self, file: Path, shown: str) -> str:
        try:
            with file.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as err:
            problem = f"it cannot be read ({err.strerror})"
            raise Unavailable(shown, problem, "Correct its permissions, then run it again.") from err

    def _read(self, file: Path, shown: str) -> Iterator[Page]:
        lines = enumerate(_documents(file, shown), 1)
        while some := list(islice(lines, AT_ONCE)):
            rows: list[Mapping[str, Any]] = []
            broken: list[tuple[str, str]] = []
            for number, (document, text, problem) in some:
                found = [] if problem else _rows(document, self._settings.records)
                if problem or not all(isinstance(row, dict) for row in found):
                    broken.append((text, f"{shown}:{number} {problem or 'is no object'}"))
                    continue
                rows.extend(found)
            yield Page(rows, None, broken)


def _documents(file: Path, shown: str) -> Iterator[tuple[Any, str, str]]:
    """Give each document with its text, or the text with what is wrong in it."""
    with file.open("rb") as stream:
        begun = stream.read(4096).lstrip()
    lines = begun.startswith(b"{") and b"}\n" in begun and file.suffix in (".ndjson", ".jsonl", ".json")
    if file.suffix in (".ndjson", ".jsonl") or (lines and _is_one(begun.partition(b"\n")[0])):
        with file.open("rb") as stream:
            for line in stream:
                if line.strip():
                    yield _parsed(line)
        return
    if file.stat().st_size > LARGEST:
        raise InvalidInput(shown, "one document of more than 256 MB", "Write one document a line, as .ndjson.")
    document, text, problem = _parsed(file.read_bytes())
    if problem:
        yield None, text, problem
        return
    yield from ((each, json.dumps(each), "") for each in (document if isinstance(document, list) else [document]))


def _parsed(line: bytes) -> tuple[Any, str, str]:
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as err:
        return None, line.decode("utf-8", "backslashreplace").strip(), f"is not UTF-8: {err.reason} at {err.start}"
    try:
        return json.loads(text, parse_constant=_no_number), text, ""
    except (ValueError, RecursionError) as err:
        return None, text, f"is no JSON: {err}"


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _is_one(line: bytes) -> bool:
    return not _parsed(line)[2]


def _rows(document: Any, records: str | None) -> list[Any]:
    for name in records.split(".") if records else ():
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, list) else [document]
