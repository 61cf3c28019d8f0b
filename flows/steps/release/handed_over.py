"""Which challengers a retraining handed over to the rollout: a file each in home/rollouts, until it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from flows.steps.release.promote import TREE, Registered
from handrail.bootstrap.approvals import tree_digest
from handrail.errors import InvalidInput, Refused
from handrail.files import replacing

FOLDER = "rollouts"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A clone below home/retrain, and the registered version that it held when it was handed over."""

    clone: Path
    name: str
    tree_digest: str

    @property
    def is_whole(self) -> bool:
        """Whether the clone still holds that version."""
        tree = self.clone / TREE
        return tree.is_dir() and tree_digest(tree) == self.tree_digest


def hand_over(home: Path, clone: Path, registered: Registered) -> HandedOver:
    """Keep that a version is to be led on; twice changes nothing."""
    handed = HandedOver(clone, f"v{registered.version}", registered.tree_digest)
    file = _file(home, clone)
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"clone": str(clone), "name": handed.name, "tree_digest": handed.tree_digest}
    with replacing(file) as beside:
        beside.write_text(json.dumps(content), encoding="utf-8")
    return handed


def handed_over(home: Path) -> tuple[HandedOver, ...]:
    """Return those whose rollout has not ended, by the names of their clones.

    Raises:
        InvalidInput: a file there is none of these.
    """
    found = []
    for file in sorted((home / FOLDER).glob("*.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            found.append(HandedOver(Path(content["clone"]), str(content["name"]), str(content["tree_digest"])))
        except (ValueError, TypeError, KeyError) as err:
            remedy = "Remove the file, and run the flow rollout with its clone as `project`."
            raise InvalidInput(str(file), "it does not say what was handed over", remedy) from err
    return tuple(found)


def let_go(home: Path, handed: HandedOver) -> None:
    """Forget one whose rollout ended; twice changes nothing."""
    _file(home, handed.clone).unlink(missing_ok=True)


def require_free(home: Path, clone: Path) -> None:
    """Refuse to train in a clone whose version is led on: its rollout needs the tree and the evidence there.

    Raises:
        Refused: with the version, and what ends its rollout.
    """
    for each in handed_over(home):
        if each.clone == clone and each.is_whole:
            by_hand = f"handrail delivery end {each.name} --as 'rolled back' --reason '...'"
            remedy = f"Let its rollout end, which handrail delivery show has, or end it: {by_hand}."
            raise Refused("Retraining", (f"{each.name} of the retraining before is being rolled out.", remedy))


def _file(home: Path, clone: Path) -> Path:
    return home / FOLDER / f"{clone.name}.json"
