"""What the gate needs to look at evidence and files itself. Each docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from handrail.approvals.domain.described_rows import RowsDescribed
from handrail.approvals.domain.evaluation import Evaluation, EvaluationPlan, Question
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.domain.tracing import Traced
from handrail.approvals.domain.wording import Wording
from handrail.manifest import FileEntry, Manifest

Outcome = TypeVar("Outcome")


class Snapshots(Protocol):
    """Snapshots of labelled rows in the gate's custody: Parquet files by the sha256 of their bytes."""

    @abstractmethod
    def keep(self, content: BinaryIO, model: str, account: str, at: datetime) -> str:
        """Keep the bytes durably, read-only, with the account that hands them in for a model; return `sha256:<hex>`.

        Of several accounts that hand in the same bytes each is remembered. Repeating changes nothing.

        Raises:
            InvalidInput: it is not a Parquet file, or too large.
        """

    @abstractmethod
    def path(self, digest: str) -> str:
        """Return where the bytes are.

        Raises:
            UnknownReference: nobody handed them in.
        """

    @abstractmethod
    def custodians(self, digest: str) -> tuple[str, ...]:
        """Return every account that handed the snapshot in, in order of name."""


class Looks(Protocol):
    """Counts the different trees of a model that were measured on one snapshot."""

    @abstractmethod
    def look(self, model: str, snapshot: str, tree_digest: str, budget: int) -> int | None:
        """Count this look durably, before it happens, unless it was counted or the budget is used up.

        Returns:
            None if the look may happen, else how many trees were looked at already.
        """


class EvaluationPlans(Protocol):
    """How candidates are measured, as the project says at this moment."""

    @abstractmethod
    def plan(self, model: str) -> EvaluationPlan:
        """Return the plan for a registered model.

        Raises:
            UnknownReference: the project says nothing about this model.
            Misconfigured: what it says cannot be used.
        """

    @abstractmethod
    def wording(self, model: str) -> Wording:
        """Return what people call the answers of a registered model, and what they are about.

        Raises:
            UnknownReference: the project says nothing about this model.
            Misconfigured: what it says cannot be used.
        """


class Evaluator(Protocol):
    """Measures a candidate where nothing but the question can be reached."""

    @abstractmethod
    def evaluate(self, question: Question) -> Evaluation:
        """Score every row with the candidate, and with the incumbent if there is one, and compute all measures.

        What the packages or the snapshot do to the evaluator ends in a sentence.

        Raises:
            Refused: no measurement came out; the reason is a sentence.
            Unavailable: this machine cannot evaluate.
        """

    @abstractmethod
    def describe(self, plan: EvaluationPlan, snapshot: str, digest: str) -> RowsDescribed:
        """Say what a snapshot holds, whose path and digest these are, read as a measurement by the plan reads it.

        Raises:
            Refused: nothing can be measured on it; the reason is a sentence.
            Unavailable: this machine cannot evaluate.
        """


class EvidenceFiles(Protocol):
    """Files of the runs on this server, as the gate reads them itself."""

    @abstractmethod
    def read(self, run_id: str, path: str) -> tuple[str, bytes]:
        """Return the absolute folder that holds a file of a run's artifacts, and the file's bytes.

        Raises:
            UnknownReference: there is no such run or file.
            Refused: it is not a regular file below the artifacts of that run, or too large for evidence.
        """


class Trees(Protocol):
    """Reads artifact trees."""

    @abstractmethod
    def manifest(self, tree: str) -> Manifest:
        """List and hash every file below the tree.

        Raises:
            Refused: the tree is empty or holds something other than files and folders, a link for instance.
            UnknownReference: there is no such folder.
        """


class TreeCopies(Protocol):
    """The gate's own copies of trees, by content: equal files are kept once, and nobody writes them again."""

    @abstractmethod
    def take(self, tree: str) -> Manifest:
        """Copy every file below the tree while hashing it, durably; what is hashed is what is kept.

        Raises:
            Refused: as `Trees.manifest`.
            UnknownReference: there is no such folder.
            Unavailable: the disk is full; nothing that counts was kept.
        """

    @abstractmethod
    def take_texts(self, texts: Mapping[str, str]) -> Manifest:
        """Keep texts by path as a tree, durably.

        Raises:
            Unavailable: as `take`.
        """

    @abstractmethod
    def keeps(self, tree_digest: str) -> bool:
        """Return whether the tree was taken and not collected since."""

    @abstractmethod
    def manifest(self, tree_digest: str) -> Manifest:
        """Return the list of a kept tree's files.

        Raises:
            UnknownReference: no such tree is kept.
            Refused: what is kept is not what was taken any more.
        """

    @abstractmethod
    def read(self, entry: FileEntry) -> bytes:
        """Return the bytes of one kept file, exactly those that the entry names.

        Raises:
            Refused: it is not kept, is larger than this is meant for, or is not what was taken any more.
        """

    @abstractmethod
    def formats(self, tree_digest: str) -> Mapping[str, str]:
        """Return the formats of a kept tree that run code when they are loaded, and where each shows.

        Raises:
            UnknownReference: no such tree is kept.
            Refused: its MLmodel cannot be read, or what is kept is not what was taken any more.
        """

    @abstractmethod
    def lay_out(self, tree_digest: str, into: Path) -> Manifest:
        """Copy a kept tree into a new or empty private folder, verified; on any failure nothing is left there.

        Raises:
            UnknownReference: no such tree is kept.
            Refused: what is kept is not what was taken any more.
            Unavailable: the disk is full.
        """

    @abstractmethod
    def collect(self, keep: Collection[str], before: datetime) -> int:
        """Remove what belongs to none of these tree digests and was taken before a moment; return how many files."""


class Readings(Protocol):
    """Long work on files, done outside of the threads that answer calls."""

    @abstractmethod
    def outcome(self, work: str, label: str, read: Callable[[], Outcome]) -> Outcome:
        """Return what `read` returns, or raise what it raises, if that is known within the time of a call.

        Work of one name is done once at a time, and its outcome is given once, to whoever asks by that name first.

        Args:
            work: its name, of which nothing else is called.
            label: what is read, for people.
            read: called in another thread.

        Raises:
            StillReading: it goes on; or too much waits already, and nothing was begun.
        """


class LineageTraces(Protocol):
    """What is missing in the trace of a candidate?"""

    @abstractmethod
    def traced(self, candidate: Candidate, tree_digest: str) -> Traced:
        """Return what the trace of a version ends at, and what it lacks; nothing is recorded.

        Each end has to be a commit or data with a sha256 or md5, and the trace has to hold exactly these files. What
        lineage does not know is a gap; the same facts give the same answer in whatever order they were recorded.

        Raises:
            Unavailable: lineage cannot be read.
        """
