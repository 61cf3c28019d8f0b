"""Changes who answers beside a slot's champion; each change is recorded, and the running service follows it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from handrail.clock import Clock
from handrail.delivery.domain import BuiltFor, Carried, PermittedVersion, Slot, Verified
from handrail.delivery.domain.splits import CHAMPION, Challenger, Change, End, Role, Split
from handrail.delivery.domain.steps import Judged, Next, Rollout, next_of, since_when
from handrail.delivery.ports import Permits, Trees
from handrail.delivery.service.serving import lend_verified
from handrail.delivery.split_ports import Splits
from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.refs import Use

SHARED_AS: dict[Role, tuple[str, ...]] = {
    Role.SHADOW: ("shadow", "canary"),
    Role.CANARY: ("canary",),
    Role.VARIANT: ("canary",),
}
"""As which aliases a version may be permitted to take a role, beside the alias of the champion, which allows more."""
LONGEST_REASON = 500
MOST_CHANGES = 1_000
"""How many changes back is looked for the one that gave a challenger its share."""


@dataclass(frozen=True, slots=True)
class NewChallenger:
    """What is to answer beside the champion: its name, what for, for which share of the subjects, and which bytes."""

    name: str
    role: Role
    share: float
    tree_digest: str


@dataclass(frozen=True, slots=True)
class Splitter:
    """Changes the splits of one slot.

    `use` is that of its champion, `folder` keeps the challengers' trees, and `known` records who a challenger is, so
    that its predictions lead back to its version; it may be called again.
    """

    slot: Slot
    use: Use
    folder: Path
    permits: Permits
    splits: Splits
    clock: Clock
    known: Callable[[Challenger], None]

    def current(self) -> Change | None:
        """Return the last change, None where the champion always answered alone."""
        return self.splits.newest(self.slot)

    def add(self, new: NewChallenger, trees: Trees, by: str, reason: str) -> Change:
        """Copy the permitted tree to where the service loads it from, and give it its share. Safe to repeat.

        Raises:
            UnknownReference: there is no permit for the tree by which it may take that role.
            Refused: permit and bytes do not agree.
            InvalidInput: it does not fit beside the others.
            Conflict: somebody changed the split meanwhile.
            Unavailable: the files of the tree are not to be found.
        """
        alias, permit = self._permit(new)
        permitted = self.permits.read(permit)
        challenger = Challenger(
            name=new.name,
            role=new.role,
            share=new.share,
            model_version=permitted.version.uri,
            tree_digest=new.tree_digest,
            alias=alias,
            deployment=self._deployment(new.role, permitted),
        )
        now = self.current()
        split = (now.split if now else Split(self.slot, self.slot.bento)).having(challenger)
        self._stage(permit, permitted, alias, trees)
        self.known(challenger)
        return self._record(now, split, by, reason)

    def share(self, name: str, share: float, by: str, reason: str) -> Change:
        """Give a challenger another share; a share that grows only adds subjects.

        Raises:
            UnknownReference: there is no such challenger.
            InvalidInput: the shares do not fit.
            Conflict: somebody changed the split meanwhile.
        """
        now = self._now(name)
        return self._record(now, now.split.sharing(name, share), by, reason)

    def end(self, name: str, how: End, by: str, reason: str) -> Change:
        """Take a challenger's traffic away: the champion answers its subjects again.

        Raises:
            UnknownReference: there is no such challenger.
            Conflict: somebody changed the split meanwhile.
        """
        now = self._now(name)
        return self._record(now, now.split.without(name), by, reason, (name, how))

    def since(self, name: str) -> datetime:
        """Return since when a challenger and the champion have their present shares.

        Raises:
            UnknownReference: there is no such challenger.
        """
        self._now(name).split.challenger(name)
        changes = self.splits.changes(self.slot, MOST_CHANGES)
        shares = [
            (each.at, each.split.shares()[CHAMPION], {one.name: one.share for one in each.split.challengers}.get(name))
            for each in changes
        ]
        found = since_when(shares)
        assert found is not None
        return found

    def step(self, change: Change, name: str, rollout: Rollout, judged: Judged, by: str) -> Next:
        """Do what follows from a comparison for a challenger: its next share, its end, or nothing; return it.

        `change` is the last one before the comparison: if another one came since, nothing is done.

        Raises:
            UnknownReference: there is no such challenger.
            Conflict: somebody changed the split meanwhile.
        """
        challenger = change.split.challenger(name)
        found = next_of(rollout, challenger, self.since(name), self.clock(), judged)
        reason = found.reason[:LONGEST_REASON]
        if found.end is not None:
            self._record(change, change.split.without(name), by, reason, (name, found.end))
        elif found.share is not None:
            self._record(change, change.split.sharing(name, found.share), by, reason)
        return found

    def carried(self, challenger: Challenger) -> Carried:
        """Name where a challenger's tree, its permit and its use lie; none of them is verified."""
        return Carried.below(self._place(challenger.tree_digest, challenger.alias))

    @contextmanager
    def lend(self, challenger: Challenger) -> Iterator[Verified]:
        """Lend a verified copy of a challenger's bytes, for the role that it has. Load from the copy alone.

        Raises:
            Refused: its permit does not allow this role, or not exactly these bytes, or they are not here.
        """
        action = f"Serving {challenger.model_version} as {challenger.role.value}"
        if challenger.alias not in self._aliases(challenger.role):
            raise Refused(action, (f"A permit for {challenger.alias!r} does not allow that.",))
        carried = self.carried(challenger)
        if not carried.permit.is_file() or not carried.tree.is_dir():
            raise Refused(action, (f"{carried.tree.parent} is not whole: end it and add it again.",))
        with lend_verified(self.permits, carried, self._as(challenger.alias)) as verified:
            if verified.permitted.tree_digest != challenger.tree_digest:
                held = f"{carried.tree.parent} holds {verified.permitted.tree_digest}, not {challenger.tree_digest}."
                raise Refused(action, (held,))
            yield verified

    def _permit(self, new: NewChallenger) -> tuple[str, Path]:
        """Return the first alias that allows the role, and the file of its permit."""
        aliases = self._aliases(new.role)
        missing: list[str] = []
        for alias in aliases:
            try:
                return alias, self.permits.find(new.tree_digest, self._as(alias))
            except (UnknownReference, Refused) as err:
                missing.append(str(err))
        remedy = f"Have these bytes promoted to one of {', '.join(dict.fromkeys(aliases))} first. {missing[-1]}"
        raise UnknownReference("permit", f"of {new.tree_digest} as {new.role.value}", remedy)

    def _aliases(self, role: Role) -> tuple[str, ...]:
        return (self.use.alias, *SHARED_AS[role])

    def _stage(self, permit: Path, permitted: PermittedVersion, alias: str, trees: Trees) -> None:
        place = self._place(permitted.tree_digest, alias)
        carried = Carried.below(place)
        if not carried.use.is_file():
            self._copy(place, permit, permitted, alias, trees)
        # What was there before may have changed since.
        if BuiltFor.read(carried.use) != BuiltFor(self._as(alias), permitted.key_id):
            raise Refused(f"Serving {permitted.version.uri}", (f"{carried.use} says another use. Delete {place}.",))

    def _deployment(self, role: Role, permitted: PermittedVersion) -> str:
        """Name the deployment: what is only recorded has a service of its own, so that no outcome is taken for its."""
        slot = self.slot.shadow if role is Role.SHADOW else self.slot
        digest = permitted.tree_digest.removeprefix("sha256:")
        return slot.deployment(f"v{permitted.version.version}-{digest[:12]}").uri

    def _copy(self, place: Path, permit: Path, permitted: PermittedVersion, alias: str, trees: Trees) -> None:
        """Copy tree, permit and use to a folder beside the place, which is there whole or not at all."""
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=place.parent) as folder:
            carried = Carried.below(Path(folder) / "whole")
            carried.permit.parent.mkdir()
            with trees.lend(permitted) as tree:
                self.permits.verify(tree, permit, carried.tree, self._as(alias))
            shutil.copyfile(permit, carried.permit)
            carried.use.write_bytes(BuiltFor(self._as(alias), permitted.key_id).to_bytes())
            if place.exists():
                # The rest of what somebody deleted in part.
                shutil.rmtree(place)
            carried.permit.parent.rename(place)

    def _place(self, tree_digest: str, alias: str) -> Path:
        return self.folder / f"{tree_digest.removeprefix('sha256:')[:24]}-{alias}"

    def _as(self, alias: str) -> Use:
        return replace(self.use, alias=alias)

    def _now(self, name: str) -> Change:
        now = self.current()
        if now is None:
            raise UnknownReference("challenger", name, f"The champion of {self.slot.pointer} answers alone.")
        return now

    def _record(
        self, now: Change | None, split: Split, by: str, reason: str, ended: tuple[str, End | None] = ("", None)
    ) -> Change:
        said = reason.strip()
        if not said or len(said) > LONGEST_REASON:
            problem = f"it has {len(said):,} characters"
            raise InvalidInput("reason", problem, f"Say why in one sentence, of up to {LONGEST_REASON} characters.")
        number = now.number + 1 if now else 1
        change = Change(number, split, self.clock(), by, said, *ended)
        self.splits.append(change)
        return change
