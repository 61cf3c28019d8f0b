"""What delivery needs from the world. Each docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from handrail.delivery.domain import BuiltBento, PermittedVersion
from handrail.delivery.domain.swaps import Move
from handrail.refs import Deployment, Use


class Permits(Protocol):
    """The permits of a gate, and the rule that only bytes under a permit are loaded."""

    @abstractmethod
    def find(self, tree_digest: str, use: Use) -> Path:
        """Return the file of the permit for a tree and a use.

        Raises:
            UnknownReference: there is none.
            Refused: what lies in its place is another one, or does not allow the use any more.
        """

    @abstractmethod
    def read(self, permit: Path) -> PermittedVersion:
        """Check a permit's signature and return what it states.

        Raises:
            Refused: it is damaged, or not signed by the gate that is trusted here.
            Misconfigured: the gate's public key is missing.
        """

    @abstractmethod
    def require(self, permit: Path, expect: Use) -> PermittedVersion:
        """Check a permit's signature and that it allows the use now; no byte of a tree is looked at.

        Raises:
            Refused: it is another one's, for another use, expired or taken back.
        """

    @abstractmethod
    def verify(self, tree: Path, permit: Path, into: Path, expect: Use) -> PermittedVersion:
        """Copy a tree into a new folder while hashing it, and return the permit for exactly those bytes and that use.

        Raises:
            Refused: the permit is for another use, and the sentence says both; or it does not cover exactly these
                bytes, and the sentence names the first file that differs. Nothing is left in the folder.
        """


class Trees(Protocol):
    """Where the files of a registered version are found."""

    @abstractmethod
    def lend(self, permitted: PermittedVersion) -> AbstractContextManager[Path]:
        """Lend a folder with the version's files for the length of a block. Nothing is verified.

        Raises:
            Unavailable: they are neither here nor in the registry.
        """


class Recipe(Protocol):
    """What a project puts into its bento around the model."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The bento's name."""

    @abstractmethod
    def digest(self, permit: Path) -> str:
        """Return a digest (hex) of the permit's file and of all source: equal input gives an equal bento."""

    @abstractmethod
    def lay_out(self, context: Path, labels: Mapping[str, str]) -> None:
        """Write a complete build context around the model and the permit that lie in it already."""


class Bentos(Protocol):
    """The local store of bentos of one name."""

    @abstractmethod
    def find(self, version: str) -> BuiltBento | None:
        """Return a complete bento, None if there is none, or only the rest of an interrupted build."""

    @abstractmethod
    def build(self, context: Path, version: str) -> BuiltBento:
        """Build a bento from a context; the rest of an interrupted build of that version is replaced.

        Raises:
            Unavailable: the build failed; the store holds no bento of that version.
        """


class Deployments(Protocol):
    """The records of deployments, and the pointer of each slot. Every method may be repeated."""

    @abstractmethod
    def record(self, deployment: Deployment, bento: BuiltBento, permitted: PermittedVersion) -> None:
        """Record permit, tree and bento of a deployment. A deployment that is known keeps its first start."""

    @abstractmethod
    def target(self, pointer: str) -> str | None:
        """Return the URI of the deployment that a pointer names now, None before the first."""

    @abstractmethod
    def moves(self, pointer: str) -> Sequence[Move]:
        """Return what a pointer named, the oldest first; the last one holds now."""

    @abstractmethod
    def point(self, pointer: str, deployment: Deployment) -> None:
        """Make the pointer name the deployment from now on; nothing is recorded if it does already."""
