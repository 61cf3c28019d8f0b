"""Which packages were recorded, which are installed, and how the two differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_PIN = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?[ \t]*===?[ \t]*([^\s;\\#,]+)(?:[ \t]*;[ \t]*([^\\#\n]*))?",
    re.MULTILINE,
)
_PYTHON = re.compile(r"^python:\s*['\"]?([0-9.]+)", re.MULTILINE)
PYTHON = "python"


@dataclass(frozen=True, slots=True)
class RecordedPackages:
    """The pins that were recorded, and in which files; `lock` is the path of the lock among them, or empty."""

    sources: tuple[str, ...]
    pins: Mapping[str, str]
    lock: str = ""


@dataclass(frozen=True, slots=True)
class PackageDifference:
    """A package at another version than recorded; `installed` is empty if it is not there at all."""

    name: str
    recorded: str
    installed: str

    @property
    def sentence(self) -> str:
        """The difference in words."""
        return f"{self.name} {self.installed or 'missing'} (recorded {self.recorded})"


@dataclass(frozen=True, slots=True)
class EnvironmentCheck:
    """The packages that run, beside those recorded in `sources`; `recorded` is how many were pinned."""

    sources: tuple[str, ...]
    recorded: int
    differences: tuple[PackageDifference, ...] = ()
    installed_into: str = ""

    @property
    def sentence(self) -> str:
        """How they compare, in words."""
        if not self.sources:
            return "no environment was recorded: neither a lock file nor a requirements.txt with the model"
        where = " and ".join(self.sources)
        if not self.differences:
            return f"the same {self.recorded} packages as {where}"
        named = ", ".join(each.sentence for each in self.differences)
        return f"{len(self.differences)} of {self.recorded} packages differ from {where}: {named}"


def read_pins(text: str, applies: Callable[[str], bool]) -> dict[str, str]:
    """Return the exactly pinned versions of a requirements file or lock by normalised name (PEP 503).

    A line with an environment marker (PEP 508) counts if `applies` says so of the marker: one lock can serve several
    Pythons and systems.
    """
    return {
        normal_name(name): version
        for name, version, marker in _PIN.findall(text)
        if not marker or applies(marker.strip())
    }


def read_python(text: str) -> dict[str, str]:
    """Return the Python version that an MLflow python_env.yaml names, as a pin of `python`."""
    found = _PYTHON.search(text)
    return {PYTHON: found[1]} if found else {}


def compare_packages(recorded: Mapping[str, str], installed: Mapping[str, str]) -> tuple[PackageDifference, ...]:
    """Return each recorded package that is installed at another version or not at all, by name."""
    return tuple(
        PackageDifference(name, version, installed.get(name, ""))
        for name, version in sorted(recorded.items())
        if installed.get(name) != version
    )


def normal_name(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
