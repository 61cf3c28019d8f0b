"""The stages in a lock file of DVC, and the data that they name: in the project, or outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MD5 = "md5"
# DVC's own hash before version 3: in a text file a line may end in \r\n or \n.
MD5_OF_TEXT = "md5-dos2unix"


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file or folder of the project, by DVC's md5; `hash_name` says how DVC took it (`MD5` or `MD5_OF_TEXT`).

    The path is relative to the project. It begins with `../` if the file is beside the project, in its repository.
    """

    path: str
    md5: str
    hash_name: str = MD5


@dataclass(frozen=True, slots=True)
class OutsideData:
    """Data that is not in the project: its address, and the version of it that DVC saw.

    `address` is a URI without login and query. `version` is empty if DVC recorded none; `details` are what DVC
    recorded beside it (etag, checksum, size, revision), as text.
    """

    address: str
    version: str = ""
    details: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class LockedStage:
    """A stage of a lock file; `fingerprint` is the sha256 of its entry, as in `dvc-stage://` URIs.

    `name` is DVC's own address: `train`, or `sub/dvc.yaml:train` for a pipeline in a subfolder. `outside` is the data
    that it reads and writes outside of the project.
    """

    name: str
    fingerprint: str
    command: str
    parameters: str
    inputs: tuple[LockedFile, ...]
    outputs: tuple[LockedFile, ...]
    outside: tuple[OutsideData, ...] = ()
