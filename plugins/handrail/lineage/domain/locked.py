"""The stages in a lock file of DVC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file or folder of a lock file, by DVC's md5."""

    path: str
    md5: str


@dataclass(frozen=True, slots=True)
class LockedStage:
    """A stage of a lock file; `fingerprint` is the sha256 of its entry, as in `dvc-stage://` URIs."""

    name: str
    fingerprint: str
    command: str
    parameters: str
    inputs: tuple[LockedFile, ...]
    outputs: tuple[LockedFile, ...]
