"""Which deployment a slot's service answers with: the one that its pointer names, and back to the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handrail.clock import Clock
from handrail.delivery.domain import PERMIT, TREE, USE, BuiltBento, BuiltFor, Carried, Slot, Verified
from handrail.delivery.domain.swaps import ROLLBACK, Move, Outcome, Swap, earlier
from handrail.delivery.ports import Bentos, Deployments, Permits
from handrail.delivery.service.serving import find_carried, lend_verified
from handrail.delivery.swap_ports import Swaps
from handrail.errors import HandrailError, InvalidInput, Refused, Unavailable
from handrail.refs import Use

LONGEST_REASON = 500
SERVICE = "the service"
_OF_THE_VERSION = (f"src/{TREE}/", f"src/{PERMIT}", f"src/{USE}", "src/bentofile.yaml", "bento.yaml", "apis/")
"""What differs between two bentos of one recipe: the model with its permit, labels, and when it was built."""


@dataclass(frozen=True, slots=True)
class Swapper:
    """Follows one slot. `permits` opens those by the key of an id, `pointing` moves pointers as somebody."""

    slot: Slot
    use: Use
    permits: Callable[[str], Permits]
    bentos: Bentos
    pointing: Callable[[str], Deployments]
    swaps: Swaps
    clock: Clock

    def moves(self) -> list[Move]:
        """Return what the slot's pointer named, the oldest first."""
        return list(self.pointing(SERVICE).moves(self.slot.pointer))

    def find(self, deployment: str) -> BuiltBento:
        """Return the bento of a deployment (its URI).

        Raises:
            Unavailable: it is not in the local store.
        """
        tag = self.slot.tag_of(deployment)
        built = self.bentos.find(tag.version)
        if built is None:
            raise Unavailable(f"The bento {tag.name}:{tag.version}", "it is not in the local store", "Deploy it again.")
        return built

    @contextmanager
    def lend(self, built: BuiltBento) -> Iterator[Verified]:
        """Lend a verified copy of what a bento carries, for this slot's use. Load from the copy alone.

        Raises:
            Refused: its permit does not allow this use, or not exactly these bytes.
        """
        with lend_verified(self._permits(built), self._carried(built), self.use) as verified:
            yield verified

    def require_permit(self, deployment: str) -> None:
        """Check that the permit of a deployment allows this use now; its bytes were verified when they were loaded.

        Raises:
            Refused: it does not (any more).
            Unavailable: its bento is not in the local store.
        """
        built = self.find(deployment)
        self._permits(built).require(self._carried(built).permit, self.use)

    def is_permitted(self, deployment: str) -> bool:
        """Say whether exactly the bytes of a deployment's bento may be served now."""
        try:
            with self.lend(self.find(deployment)):
                return True
        except HandrailError:
            return False

    def previous(self, moves: list[Move]) -> str:
        """Return the last deployment before the present one whose bytes may be served now.

        Raises:
            Refused: there is none; the sentence says why each may not.
        """
        reasons: list[str] = []
        for uri in earlier(moves):
            try:
                with self.lend(self.find(uri)):
                    return uri
            except HandrailError as err:
                reasons.append(f"{uri}: {err}")
        none = "No earlier deployment is recorded: deploy a permitted version."
        raise Refused(f"Rolling {self.slot.pointer} back", tuple(reasons) or (none,))

    def roll_back(self, by: str, reason: str) -> Swap:
        """Point the slot at the deployment before the present one, and record why.

        Raises:
            Refused: there is none that may be served.
            InvalidInput: the reason is empty or too long.
        """
        said = reason.strip()
        if not said or len(said) > LONGEST_REASON:
            problem = f"it has {len(said):,} characters"
            raise InvalidInput("reason", problem, f"Say why in one sentence, of up to {LONGEST_REASON} characters.")
        moves = self.moves()
        now = moves[-1].target if moves else None
        back = self.previous(moves)
        self._point(back, by)
        return self.record(Outcome.ROLLED_BACK, now or "", back, said, by)

    def take_back(self, broken: Move, back: str, reason: str) -> Swap | None:
        """Point the slot from a deployment that cannot answer back to the one before, unless somebody moved it since.

        Returns:
            what was recorded; None if the pointer had moved already, here or in another process.

        Raises:
            Refused: the permit of the one before does not hold any more.
        """
        assert broken.target is not None
        if self.moves()[-1:] != [broken]:
            return None
        self.require_permit(back)
        self._point(back, SERVICE)
        last = self.moves()[-2:]
        # Somebody deployed between the look and the move: theirs is the newer will.
        if len(last) > 1 and last[0] != broken and not last[0].is_rollback and last[0].target not in (None, back):
            self._point(str(last[0].target), last[0].by, is_rollback=False)
            return None
        return self.record(Outcome.ROLLED_BACK, broken.target, back, reason)

    def record(self, outcome: Outcome, deployment: str, other: str, reason: str, by: str = SERVICE) -> Swap:
        """Keep what became of a deployment."""
        plain = reason.encode("ascii", "backslashreplace").decode().replace("\0", "")[:LONGEST_REASON]
        swap = Swap(self.slot, self.clock(), by, outcome, deployment, other, plain)
        newest = next(iter(self.swaps.last(self.slot, 1)), None)
        facts = (swap.outcome, swap.deployment, swap.other, swap.reason)
        if newest is None or outcome is Outcome.ROLLED_BACK or facts != _facts(newest):
            self.swaps.append(swap)
        return swap

    def _point(self, deployment: str, by: str, *, is_rollback: bool = True) -> None:
        version = self.slot.tag_of(deployment).version
        mover = self.pointing(f"{ROLLBACK}{by}" if is_rollback else by)
        mover.point(self.slot.pointer, self.slot.deployment(version))

    def _carried(self, built: BuiltBento) -> Carried:
        carried = find_carried(built.root)
        if carried is None:
            raise Refused(f"Serving {built.tag.uri}", ("It carries no model. Deploy it again.",))
        return carried

    def _permits(self, built: BuiltBento) -> Permits:
        return self.permits(BuiltFor.read(self._carried(built).use).key_id)


def code_digest(folder: Path) -> str:
    """Return the sha256 (hex) of all that a bento's folder holds beside the model: its code, packages and settings.

    Two bentos with the same one differ in the model alone, so one process can serve first the one, then the other.
    """
    source = hashlib.sha256()
    names = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    for name, file in sorted(names.items()):
        if not name.startswith(_OF_THE_VERSION) and "__pycache__" not in file.parts:
            source.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return source.hexdigest()


def _facts(swap: Swap) -> tuple[Outcome, str, str, str]:
    return swap.outcome, swap.deployment, swap.other, swap.reason
