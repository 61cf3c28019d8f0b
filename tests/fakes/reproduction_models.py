"""Fakes of the ports about models: what they predict, and how logged ones come to the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handrail.errors import Unavailable
from handrail.reproduction import ports
from handrail.reproduction.domain.results import Predictions
from tests.fakes.reproduction import Contents


class FakeScorer(ports.ModelScorer):
    """Models that multiply by the slope in `weights.json`; a table is a JSON list of numbers."""

    def compare(
        self,
        trees: tuple[Path, Path],
        rows: Path | None,
        candidates: Sequence[Path],
        python: Path,
        environment: Mapping[str, str],
    ) -> Predictions | None:
        table = rows or next(iter(candidates), None)
        if table is None:
            return None
        try:
            one, other = (json.loads((tree / "weights.json").read_text())["slope"] for tree in trees)
        except OSError as err:
            raise Unavailable("The predictions", "a model cannot be loaded", "Give rows that both take.") from err
        values = json.loads(table.read_text())
        return Predictions(len(values), str(table), max(abs((one - other) * value) for value in values), 0)


@dataclass
class FakeModels(ports.LoggedModels):
    """Versions of one server by URI, and one tracking store: the name and the files of each model by its id."""

    versions: dict[str, Contents] = field(default_factory=dict)
    store: dict[str, tuple[str, Contents]] = field(default_factory=dict)

    def fetch(self, version: str, target: Path) -> None:
        if version not in self.versions:
            raise Unavailable("MLflow", f"it has no {version or 'such model'}", "Name a version that it has.")
        write_contents(self.versions[version], target)

    def known(self, python: Path, environment: Mapping[str, str]) -> frozenset[str]:
        return frozenset(self.store)

    def take(
        self, python: Path, environment: Mapping[str, str], known: frozenset[str], folder: Path
    ) -> tuple[tuple[str, Path], ...]:
        found = [(name, held, folder / key) for key, (name, held) in self.store.items() if key not in known]
        for _, held, place in found:
            write_contents(held, place)
        return tuple((name, place) for name, _, place in found)


def write_contents(held: Contents, target: Path) -> None:
    """Write the files of a folder."""
    for path, content in held.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
