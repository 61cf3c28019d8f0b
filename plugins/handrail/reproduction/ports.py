"""What reproducing a model needs from the outside: git, DVC, an interpreter, and MLflow for predictions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.domain.environments import RecordedPackages
from handrail.reproduction.domain.recorded import CommitPlace, FetchedData
from handrail.reproduction.domain.results import Grade, Predictions


class CommitSource(Protocol):
    """Finds recorded commits."""

    @abstractmethod
    def holding(self, commits: Sequence[str]) -> tuple[CommitPlace, ...]:
        """Return where each of these commits is found; commits that no repository holds are left out."""

    @abstractmethod
    def check_out(self, place: CommitPlace, folder: Path) -> Path:
        """Check exactly that commit out into `folder`; return the project's folder in it. Safe to repeat.

        Raises:
            Unavailable: it cannot be checked out there.
        """

    @abstractmethod
    def later(self, place: CommitPlace) -> tuple[CommitPlace, ...]:
        """Return the commits that came after this one and changed a lock file, the next one first."""

    @abstractmethod
    def searched(self) -> tuple[str, ...]:
        """Return the repositories that are looked into, as people name them."""


class DataSource(Protocol):
    """Brings recorded data into a clone."""

    @abstractmethod
    def connect(self, project: Path, origin: Path) -> tuple[str, ...]:
        """Let the clone use the places that the checkout `origin` keeps data in; return their names, best first."""

    @abstractmethod
    def tracked(self, project: Path) -> tuple[LockedFile, ...]:
        """Return what the commit tracks that no stage writes."""

    @abstractmethod
    def near(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        """Return what none of the places holds, as far as that is known without fetching. Changes nothing."""

    @abstractmethod
    def fetch(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        """Fetch files, from one place after the other; what is in none of them is returned as missing."""

    @abstractmethod
    def restore(self, project: Path, file: LockedFile, target: Path) -> None:
        """Copy a fetched file or folder to `target`.

        Raises:
            InvalidInput: its path, or that of a file in it, leads out of where it belongs.
        """


class StageRunner(Protocol):
    """Reads and runs stages."""

    @abstractmethod
    def stages(self, place: CommitPlace) -> tuple[LockedStage, ...]:
        """Return the stages that the lock files of a commit hold; none if it has no lock file.

        Raises:
            InvalidInput: one of them is not a lock file.
        """

    @abstractmethod
    def fits(self, place: CommitPlace, stage: LockedStage) -> bool:
        """Return whether a commit holds the code, the tracked data and the parameters that a stage's entry names.

        What the commit does not say, such as the hash of what another stage writes, speaks for neither.
        """

    @abstractmethod
    def run(
        self, project: Path, stage: str, environment: Mapping[str, str], report: Callable[[str], None]
    ) -> LockedStage:
        """Run a stage whatever is cached, and return its new entry; `report` gets each line that it prints.

        Raises:
            Unavailable: the stage failed.
        """

    @abstractmethod
    def entry(self, project: Path, stage: str) -> LockedStage | None:
        """Return the entry of a stage that the lock file of a clone holds now."""


class PackageList(Protocol):
    """Knows which packages were recorded, and which an interpreter has."""

    @abstractmethod
    def recorded(self, project: Path, tree: Path | None, lock: str | None) -> RecordedPackages:
        """Return what the commit's lock file and the model's own requirements pin; `lock` names another file.

        Raises:
            UnknownReference: the file `lock` is not in the commit.
        """

    @abstractmethod
    def installed(self, python: Path) -> Mapping[str, str]:
        """Return the version of each package by normalised name, and Python's own as `python`."""

    @abstractmethod
    def install(self, lock: Path, folder: Path) -> Path:
        """Make an environment with what a lock pins in `folder`; return its interpreter. Safe to repeat."""

    @abstractmethod
    def import_roots(self, project: Path) -> tuple[Path, ...]:
        """Return the folders that the project's own packages are imported from."""


class FileComparer(Protocol):
    """Hashes and compares files."""

    @abstractmethod
    def digest(self, root: Path, file: LockedFile) -> str | None:
        """Return DVC's md5 of what is at a file's or folder's path below `root`; None if nothing is there.

        It is taken as the one that the lock names.
        """

    @abstractmethod
    def tree_digest(self, root: Path, path: str) -> str:
        """Return the digest by which permits name a folder."""

    @abstractmethod
    def files(self, root: Path, path: str) -> tuple[str, ...]:
        """Return the files at or below a path, by their paths below `root`, in order."""

    @abstractmethod
    def copy(self, source: Path, target: Path) -> None:
        """Copy a file or folder, replacing what is there."""

    @abstractmethod
    def compare(self, recorded: Path, reproduced: Path, tolerance: float) -> tuple[Grade, str]:
        """Return how equal two files are, and the difference in words; numbers may differ by `tolerance`."""


class ModelScorer(Protocol):
    """Compares what models predict."""

    @abstractmethod
    def compare(
        self,
        trees: tuple[Path, Path],
        rows: Path | None,
        candidates: Sequence[Path],
        python: Path,
        environment: Mapping[str, str],
    ) -> Predictions | None:
        """Return how far the recorded and the reproduced tree's answers to the same rows are apart.

        None if neither `rows`, nor a table of `candidates`, nor the model itself has rows that it takes.
        """


class LoggedModels(Protocol):
    """Brings models that were logged with MLflow to the disk."""

    @abstractmethod
    def fetch(self, version: str, target: Path) -> None:
        """Copy the files of a model version, by URI, from the server that recorded it to `target`.

        Raises:
            Unavailable: the server is not there, or does not give them.
        """

    @abstractmethod
    def known(self, python: Path, environment: Mapping[str, str]) -> frozenset[str]:
        """Return the ids of the models in the tracking store that `environment` names."""

    @abstractmethod
    def take(
        self, python: Path, environment: Mapping[str, str], known: frozenset[str], folder: Path
    ) -> tuple[tuple[str, Path], ...]:
        """Copy the models that are not `known` below `folder`; return the name and the place of each, oldest first."""


class WorkFolder(Protocol):
    """The folder of one reproduction, which remembers the stages that are done."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """Where it is."""

    @abstractmethod
    def open(self, identity: Mapping[str, str]) -> tuple[str, ...]:
        """Take the folder for this reproduction; return the stages that an interrupted run of the same one finished.

        Raises:
            Refused: it holds something else, a finished reproduction, or one that another process is at.
        """

    @abstractmethod
    def mark(self, stage: str) -> None:
        """Remember that a stage is done, durably."""

    @abstractmethod
    def finish(self, report: Mapping[str, object]) -> None:
        """Remember the result, durably."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the folder and everything in it."""

    @abstractmethod
    def close(self) -> None:
        """Let other processes use the folder."""


@dataclass(frozen=True, slots=True)
class ReproductionPorts:
    """What a reproduction needs."""

    commits: CommitSource
    data: DataSource
    runner: StageRunner
    packages: PackageList
    files: FileComparer
    scorer: ModelScorer
    models: LoggedModels
