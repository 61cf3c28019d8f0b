"""Fakes of the two ports that keep who made what, and what is held."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from handrail.approvals.domain.subject import Authorship, Candidate
from handrail.approvals.ports import Holds, Provenance
from handrail.manifest import Manifest


class MemoryProvenance(Provenance):
    """`Provenance` in memory."""

    def __init__(self) -> None:
        self.rows: set[tuple[str, str, str]] = set()
        self.uploads: dict[str, str] = {}
        self.parents: set[tuple[str, str]] = set()

    def record(self, kind: str, key: str, account: str) -> None:
        self.rows.add((kind, key, account))

    def record_upload(self, sha256: str, account: str) -> None:
        self.uploads.setdefault(sha256, account)

    def record_parent(self, run_id: str, parent: str) -> None:
        self.parents.add((run_id, parent))

    def record_all(self, records: Iterable[tuple[str, ...]]) -> None:
        for what, *values in records:
            getattr(self, what)(*values)

    def makers(self, candidate: Candidate, manifest: Manifest, approved: Collection[str] = ()) -> Authorship:
        parts = {
            "the version": ("version", candidate.key),
            f"the run {candidate.run_id}": ("run", candidate.run_id),
            f"the logged model {candidate.logged_model_id}": ("logged_model", candidate.logged_model_id),
        }
        for folder in {file.path.rpartition("/")[0] for file in manifest.files}:
            place = repr(folder) if folder else "its top folder"
            parts[f"the files in {place}"] = ("path", f"{candidate.tree}/{folder}".rstrip("/"))
        known = {(kind, key) for kind, key, _ in self.rows}
        family = {("run", run) for run in self._family(candidate.run_id)}
        accounts = {
            account
            for kind, key, account in self.rows
            if (kind, key) in family | set(parts.values())
            or (kind == "path" and f"{key}/".startswith(f"{candidate.tree}/"))
        }
        usual = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"}
        for file in manifest.files:
            if file.path.rpartition("/")[2] not in usual and file.sha256 not in approved:
                accounts |= {self.uploads[file.sha256]} if file.sha256 in self.uploads else set()
        missing = sorted(part for part, thing in parts.items() if thing[1] and thing not in known)
        return Authorship(tuple(sorted(accounts)), tuple(missing))

    def _family(self, run: str | None) -> set[str | None]:
        above = {run}
        while more := {parent for child, parent in self.parents if child in above} - above:
            above |= more
        while more := {child for child, parent in self.parents if parent in above} - above:
            above |= more
        return above


class MemoryHolds(Holds):
    """`Holds` in memory."""

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], dict[str, str]] = {}
        self.released: dict[str, str] = {}

    def hold(self, candidate: Candidate, holder: str) -> None:
        for kind, key in (
            ("version", f"{candidate.model}/{candidate.version}"),
            ("model", candidate.model),
            ("run", candidate.run_id),
            ("experiment", candidate.experiment_id),
            ("logged_model", candidate.logged_model_id),
            ("path", candidate.tree),
        ):
            if key:
                self.things.setdefault((kind, key), {}).setdefault(holder, candidate.label)

    def release(self, holder: str, at: datetime, reason: str) -> None:
        self.released.setdefault(holder, reason)

    def holders(self) -> frozenset[str]:
        return frozenset(holder for held in self.things.values() for holder in held if holder not in self.released)

    def holder(self, kind: str, key: str) -> str | None:
        held = self.things.get((kind, key), {})
        return next((label for holder, label in list(held.items()) if holder not in self.released), None)

    def holder_of_path(self, path: str) -> str | None:
        asked = path.rstrip("/") + "/"
        # Another thread may hold more meanwhile.
        touching = (
            self.holder(kind, tree)
            for kind, tree in list(self.things)
            if kind == "path" and (asked.startswith(f"{tree}/") or f"{tree}/".startswith(asked))
        )
        return next((label for label in touching if label), None)
