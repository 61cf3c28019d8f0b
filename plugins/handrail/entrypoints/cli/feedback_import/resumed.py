"""How far an import of a file was recorded, so that the same import goes on there after it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from handrail.entrypoints.cli.feedback_import.rows import At
from handrail.feedback import Receipt
from handrail.files import replace_file

VERSION = 1
MOST_NAMED = 1000


@dataclass
class Counts:
    """What became of the rows of a file; of conflicts and refused rows the first thousand are named."""

    accepted: int = 0
    repeated: int = 0
    conflict_count: int = 0
    refused_count: int = 0
    conflicts: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    def add(self, receipt: Receipt, places: list[str]) -> None:
        """Count what was done with the rows at these places."""
        self.accepted += receipt.accepted
        self.repeated += receipt.repeated
        self.conflict_count += len(receipt.conflicts)
        self.refused_count += len(receipt.refused)
        self.conflicts += receipt.conflicts[: MOST_NAMED - len(self.conflicts)]
        self.refused += [
            {"place": places[each.index], "reason": str(each.reason), "field": each.field, "problem": each.problem}
            for each in receipt.refused[: MOST_NAMED - len(self.refused)]
        ]


@dataclass(frozen=True)
class Checkpoint:
    """A file of its own for each import that is under way, below the home of the project."""

    path: Path

    @staticmethod
    def of(home: Path, about: Mapping[str, object]) -> Checkpoint:
        """Return that of an import, by everything that its result depends on beside the rows."""
        name = sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:32]
        return Checkpoint(home / "imports" / f"{name}.json")

    def read(self) -> tuple[At, Counts] | None:
        """Return where the last part that was recorded begins, with what was counted before it; None if nowhere."""
        try:
            held = json.loads(self.path.read_bytes())
            return (At(**held["at"]), Counts(**held["counts"])) if held["version"] == VERSION else None
        except (OSError, ValueError, KeyError, TypeError):
            # What is not there or not ours is no reason to stop: the import begins at the first row.
            return None

    def write(self, at: At, counts: Counts) -> None:
        """Keep where a part begins that is recorded, and what was counted before it."""
        held = {"version": VERSION, "at": asdict(at), "counts": asdict(counts)}
        # The part is on disk; a power cut that takes this away costs time only.
        replace_file(self.path, json.dumps(held).encode(), mode=0o600, durable=False)

    def end(self) -> None:
        """Forget it: the whole file is recorded."""
        self.path.unlink(missing_ok=True)
