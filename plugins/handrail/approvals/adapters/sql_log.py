"""The log's leaves in Handrail's own store: appended in the transaction of what they are about, each with its proof."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.approvals.adapters.tables import head, leaves
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.domain.merkle import HASH_BYTES, CompactRange, leaf_hash, root_from_inclusion
from handrail.approvals.domain.notes import Checkpoint
from handrail.approvals.ports import HeadSigner, LeafLog
from handrail.storage import Store

MOST_REMEMBERED = 100_000


class SqlLog(LeafLog):
    """Keeps the promise of `LeafLog`; other adapters append within their own transactions."""

    def __init__(self, store: Store, signer: HeadSigner, committed: Callable[[], None] = lambda: None) -> None:
        """Write to the store, whose approvals tables are migrated; `committed` is called after each transaction."""
        self._store = store
        self._signer = signer
        self.committed = committed
        self._trusted: tuple[int, str, str] | None = None
        self._verified: set[tuple[Any, ...]] = set()

    def begin(self, connection: Connection) -> bool:
        """Lock the log, and sign its empty head if it has none; return whether it began by this.

        Raises:
            LogMismatch: the head is not one that this log signed.
        """
        size, peaks, signature = self._locked(connection)
        if signature:
            self._trust(size, peaks, signature)
            return False
        if size or peaks or connection.execute(sa.select(leaves.c.number).limit(1)).scalar() is not None:
            _refuse_head("it is not signed, and it has leaves")
        self._set_head(connection, CompactRange(), self._signature(CompactRange()))
        return True

    def append(self, connection: Connection, leaf: Leaf) -> int:
        """Append a leaf in a transaction that ends with `committed`, and return its number.

        Writers wait for one another from here to the end of their transactions.

        Raises:
            LogMismatch: the head is not one that this log signed; nothing may be built on it.
            InvalidInput: the leaf is too long.
        """
        tree = self._trust(*self._locked(connection))
        content = leaf.content(tree.size)
        found = leaf_hash(content)
        grown = tree.then(found)
        signature = self._signature(grown)
        self._refuse_taken(connection, tree.size)
        connection.execute(
            leaves.insert().values(
                number=tree.size,
                request_id=leaf.request_id,
                position=leaf.position,
                leaf=content.decode("utf-8"),
                hash=found.hex(),
                proof=b"".join(tree.proof_of_next).hex(),
                signature=signature,
            )
        )
        self._set_head(connection, grown, signature)
        return tree.size

    def note(self, leaf: Leaf) -> int:
        """Append a leaf in a transaction of its own, and return its number."""
        with self._store.write() as connection:
            number = self.append(connection, leaf)
        self.committed()
        return number

    def checkpoint(self) -> tuple[Checkpoint, bytes]:
        """Return the head and the log's signature over it."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(head.c.size, head.c.peaks, head.c.signature)).one()
        tree = self._trust(row.size, row.peaks, row.signature)
        return self._checkpoint(tree), base64.b64decode(row.signature)

    def read(self, first: int, after: int) -> Sequence[LoggedLeaf]:
        """Return the leaves from `first` up to and without `after`, as they are stored."""
        wanted = sa.select(leaves).where(leaves.c.number >= first, leaves.c.number < after).order_by(leaves.c.number)
        with self._store.read() as connection:
            return [logged_leaf(row) for row in connection.execute(wanted)]

    def about(self, connection: Connection, request_ids: Iterable[str]) -> Sequence[LoggedLeaf]:
        """Return the leaves about requests in their order, each verified to be one that was appended at its place.

        Raises:
            LogMismatch: one of them is not.
        """
        wanted = sa.select(leaves).where(leaves.c.request_id.in_(list(request_ids))).order_by(leaves.c.number)
        found = [logged_leaf(row) for row in connection.execute(wanted)]
        for leaf in found:
            problem = self.problem_of(leaf)
            if problem:
                raise LogMismatch(f"Leaf {leaf.number} of the log", problem)
        return found

    def has_begun(self, connection: Connection) -> bool:
        """Return whether the head is signed: until then nothing was logged."""
        return bool(connection.execute(sa.select(head.c.signature)).scalar())

    def problem_of(self, leaf: LoggedLeaf) -> str | None:
        """Say what is wrong with a stored leaf by its own proof and signature; None if nothing is."""
        known = (leaf.number, leaf.content, leaf.hash, leaf.proof, leaf.signature, leaf.request_id, leaf.position)
        if known in self._verified:
            return None
        root = root_from_inclusion(leaf.hash, leaf.number, leaf.number + 1, leaf.proof)
        if leaf_hash(leaf.content) != leaf.hash:
            return "was edited: its hash is another one"
        if root is None or not self._signer.holds(
            Checkpoint(self._signer.key.name, leaf.number + 1, root).text, leaf.signature
        ):
            return "was edited, moved or added by another than the gate: it is not signed at this place"
        values = read_leaf(leaf.content)
        if (values["number"], values.get("request_id"), values.get("position")) != (
            leaf.number,
            leaf.request_id,
            leaf.position,
        ):
            return "was edited: its row says another request or position than the leaf itself"
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.clear()
        self._verified.add(known)
        return None

    def _locked(self, connection: Connection) -> tuple[int, str, str]:
        row = connection.execute(sa.select(head.c.size, head.c.peaks, head.c.signature).with_for_update()).one_or_none()
        if row is None:
            _refuse_head("its row is gone")
        return row.size, row.peaks, row.signature

    def _trust(self, size: int, peaks: str, signature: str) -> CompactRange:
        try:
            tree = CompactRange(size, _hashes(peaks))
            is_signed = self._trusted == (size, peaks, signature) or self._signer.holds(
                self._checkpoint(tree).text, base64.b64decode(signature, validate=True)
            )
        except (ValueError, binascii.Error) as err:
            _refuse_head(str(err))
        if not is_signed:
            _refuse_head("it is not signed by the log's key")
        self._trusted = (size, peaks, signature)
        return tree

    def _refuse_taken(self, connection: Connection, number: int) -> None:
        """Refuse a head that is older than the leaves: somebody set it back."""
        if connection.execute(sa.select(leaves.c.number).where(leaves.c.number == number)).scalar() is not None:
            _refuse_head(f"it says {number} leaves, and leaf {number} is there")

    def _set_head(self, connection: Connection, tree: CompactRange, signature: str) -> None:
        peaks = b"".join(tree.peaks).hex()
        connection.execute(head.update().values(size=tree.size, peaks=peaks, signature=signature))
        self._trusted = (tree.size, peaks, signature)

    def _signature(self, tree: CompactRange) -> str:
        return base64.b64encode(self._signer.sign(self._checkpoint(tree).text)).decode("ascii")

    def _checkpoint(self, tree: CompactRange) -> Checkpoint:
        return Checkpoint(self._signer.key.name, tree.size, tree.root)


def read_leaf(content: bytes) -> Mapping[str, Any]:
    """Read a leaf that was verified."""
    values: Mapping[str, Any] = json.loads(content)
    return values


def logged_leaf(row: Any) -> LoggedLeaf:
    """Read a row of the log.

    Raises:
        LogMismatch: a cell of it cannot be read.
    """
    try:
        return LoggedLeaf(
            number=row.number,
            request_id=row.request_id,
            position=row.position,
            content=str(row.leaf).encode("utf-8"),
            hash=bytes.fromhex(row.hash),
            proof=_hashes(row.proof),
            signature=base64.b64decode(row.signature, validate=True),
        )
    except (ValueError, TypeError) as err:
        raise LogMismatch(f"Leaf {row.number} of the log", f"was edited: {err}") from err


def _hashes(text: str) -> tuple[bytes, ...]:
    content = bytes.fromhex(text)
    if len(content) % HASH_BYTES or content.hex() != text:
        raise ValueError(f"{text!r:.40} is no list of hashes")
    return tuple(content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES))


def _refuse_head(problem: str) -> NoReturn:
    raise LogMismatch("The head of the log", f"was changed by another than the gate: {problem}")
