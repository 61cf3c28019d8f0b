"""Archives whose bytes follow from what is in them: equal files give an equal archive, on each machine and day."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from handrail.errors import InvalidInput
from handrail.files import replacing

FIRST_YEAR = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file knows."""
FORMS = {".tar": "a tar archive", ".zip": "a zip archive"}


def write_archive(target: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, by their names in the archive, as what the target's name says: .tar or .zip.

    Raises:
        InvalidInput: it says something else.
        Unavailable: the disk is full, or the folder cannot be written.
    """
    form = target.suffix
    if form not in FORMS:
        problem = f"{str(target)!r} ends in neither {' nor '.join(FORMS)}"
        raise InvalidInput("--to", problem, "Name the archive by what it is, such as edge.tar.")
    with replacing(target) as file:
        (_write_tar if form == ".tar" else _write_zip)(file, files)


def _write_tar(file: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, BytesIO(files[name]))


def _write_zip(file: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, FIRST_YEAR)
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
