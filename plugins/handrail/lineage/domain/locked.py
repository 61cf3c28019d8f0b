"""What a lock file of DVC holds of its stages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file or folder of a lock file, by DVC's md5."""

    path: str
    md5: str


@dataclass(frozen=True, slots=True)
class LockedStage:
    """A stage as a lock file holds it; `fingerprint` is the sha256 of its entry, as in `dvc-stage://` URIs."""

    name: str
    fingerprint: str
    command: str
    parameters: str
    inputs: tuple[LockedFile, ...]
    outputs: tuple[LockedFile, ...]
