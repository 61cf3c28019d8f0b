"""Delivery without approvals, lineage, feedback and BentoML: its ports over folders and memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from handrail.delivery import (
    Bentos,
    BuiltBento,
    Change,
    Deployments,
    Move,
    Permits,
    PermittedVersion,
    Recipe,
    Slot,
    Swap,
    Trees,
)
from handrail.delivery.split_ports import Splits
from handrail.delivery.swap_ports import Swaps
from handrail.errors import Conflict, Refused, UnknownReference
from handrail.refs import BentoTag, Deployment, ModelVersion, Use

BUILT = datetime(2026, 11, 1, tzinfo=UTC)
USE = Use("test", "flights", "champion", "local")


def digest_of(tree: Path) -> str:
    """Hash the files of a tree by path and content."""
    content = sha256()
    for file in sorted(file for file in tree.rglob("*") if file.is_file()):
        content.update(f"{file.relative_to(tree)}\0".encode() + file.read_bytes())
    return f"sha256:{content.hexdigest()}"


class PermitsInFolder(Permits):
    """A permit is a text file that holds the digest of the tree; each is for `use`."""

    def __init__(self, folder: Path, use: Use = USE) -> None:
        self.folder = folder
        self.use = use
        self.taken_back: set[str] = set()

    def allow(self, tree: Path) -> str:
        """Write the permit for a tree and return the tree's digest."""
        digest = digest_of(tree)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{digest[7:]}.json").write_text(digest)
        return digest

    def find(self, tree_digest: str, use: Use) -> Path:
        file = self.folder / f"{tree_digest[7:]}.json"
        if not file.is_file() or use != self.use:
            raise UnknownReference("permit", f"of {tree_digest} for {use}", "Open a promotion request first.")
        return file

    def read(self, permit: Path) -> PermittedVersion:
        try:
            digest = permit.read_text()
        except OSError as err:
            raise Refused("Loading", (f"There is no permit {permit}.",)) from err
        if not digest.startswith("sha256:"):
            raise Refused("Loading", (f"{permit} is damaged.",))
        version = ModelVersion("test", "flights", 1, 1)
        content = f"sha256:{sha256(permit.read_bytes()).hexdigest()}"
        return PermittedVersion("approval://test/pr-1", content, version, None, digest, ("bea",), frozenset(), "key")

    def require(self, permit: Path, expect: Use) -> PermittedVersion:
        permitted = self.read(permit)
        if expect != self.use:
            raise Refused("Loading", (f"The permit is for {self.use}, and wanted is {expect}.",))
        if permitted.tree_digest in self.taken_back:
            raise Refused("Loading", ("The permit was taken back.",))
        return permitted

    def verify(self, tree: Path, permit: Path, into: Path, expect: Use) -> PermittedVersion:
        permitted = self.require(permit, expect)
        if digest_of(tree) != permitted.tree_digest:
            differing = next((file for file in sorted(tree.rglob("*")) if file.is_file()), tree)
            raise Refused("Loading", (f"'{differing.name}' may differ.",))
        shutil.copytree(tree, into)
        return permitted


class TreesInMemory(Trees):
    """Lends one folder, and counts how often."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.lent = 0

    @contextmanager
    def lend(self, permitted: PermittedVersion) -> Iterator[Path]:
        self.lent += 1
        yield self.tree


class PlainRecipe(Recipe):
    """Puts one file beside the model."""

    source = "one"

    @property
    def name(self) -> str:
        return "plain"

    def digest(self, permit: Path) -> str:
        return sha256(permit.read_bytes() + self.source.encode()).hexdigest()

    def lay_out(self, context: Path, labels: Mapping[str, str]) -> None:
        (context / "source.txt").write_text(f"{self.source} {labels['handrail_tree_digest']}")


class BentosInFolder(Bentos):
    """A bento is a copy of its context."""

    def __init__(self, home: Path, name: str) -> None:
        self.home = home
        self.name = name

    def find(self, version: str) -> BuiltBento | None:
        folder = self.home / version
        if not (folder / "bento.yaml").is_file():
            return None
        return BuiltBento(BentoTag(self.name, version), folder, BUILT, digest_of(folder / "src"))

    def build(self, context: Path, version: str) -> BuiltBento:
        shutil.rmtree(self.home / version, ignore_errors=True)
        shutil.copytree(context, self.home / version / "src")
        (self.home / version / "bento.yaml").touch()
        built = self.find(version)
        assert built is not None
        return built


class DeploymentsInMemory(Deployments):
    """Records and moves in the order in which they came."""

    def __init__(self) -> None:
        self.recorded: dict[str, BuiltBento] = {}
        self.pointed: list[tuple[str, Move]] = []
        self.by = "handrail deploy"

    def record(self, deployment: Deployment, bento: BuiltBento, permitted: PermittedVersion) -> None:
        self.recorded.setdefault(deployment.uri, bento)

    def target(self, pointer: str) -> str | None:
        return next((each.target for each in reversed(self.moves(pointer))), None)

    def moves(self, pointer: str) -> Sequence[Move]:
        return [move for name, move in self.pointed if name == pointer]

    def pointing(self, by: str) -> Deployments:
        """Return the same records, whose pointers somebody else moves."""
        other = copy(self)
        other.by = by
        return other

    def point(self, pointer: str, deployment: Deployment) -> None:
        if self.target(pointer) != deployment.uri:
            at = BUILT + timedelta(seconds=len(self.pointed))
            self.pointed.append((pointer, Move(deployment.uri, at, self.by)))


class SwapsInMemory(Swaps):
    """Records in a list."""

    def __init__(self) -> None:
        self.kept: list[Swap] = []

    def last(self, slot: Slot, most: int) -> Sequence[Swap]:
        return [each for each in reversed(self.kept) if each.slot == slot][:most]

    def append(self, swap: Swap) -> None:
        self.kept.append(swap)


class SplitsInMemory(Splits):
    """Changes in a list."""

    def __init__(self) -> None:
        self.kept: list[Change] = []

    def newest(self, slot: Slot) -> Change | None:
        return next(iter(self.changes(slot, 1)), None)

    def changes(self, slot: Slot, most: int) -> Sequence[Change]:
        return [each for each in reversed(self.kept) if each.split.slot == slot][:most]

    def append(self, change: Change) -> None:
        if any((each.split.slot, each.number) == (change.split.slot, change.number) for each in self.kept):
            raise Conflict("change", str(change.number), "Somebody changed the split meanwhile: look again.")
        self.kept.append(change)
