"""What a bento carries, and what a permit says about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handrail.errors import Refused
from handrail.manifest import canonical_json
from handrail.refs import BentoTag, ModelVersion, Use

TREE = "model"
"""The folder of the artifact tree inside a bento."""
PERMIT = "permit.json"
"""The file of the permit beside that folder."""
USE = "use.json"
"""The file beside them that says what the bento was built for."""


@dataclass(frozen=True, slots=True)
class PermittedVersion:
    """What delivery needs of a permit whose signature holds.

    `permit` is its URI, `permit_digest` that of the file; `files` are the paths inside the permitted tree;
    `key_id` names the key that signed it.
    """

    permit: str
    permit_digest: str
    version: ModelVersion
    run_id: str | None
    tree_digest: str
    approvers: tuple[str, ...]
    files: frozenset[str]
    key_id: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """What a bento says about itself: a person who reads its metadata finds version, run, tree and permit."""
        return {
            "mlflow_model": self.version.name,
            "mlflow_model_version": str(self.version.version),
            "mlflow_run_id": self.run_id or "",
            "handrail_tree_digest": self.tree_digest,
            "handrail_permit": self.permit,
            "handrail_approvers": ",".join(self.approvers),
        }

    def bento_version(self, source_digest: str) -> str:
        """Name a bento by its content: model version, tree digest, and the digest (hex) of permit and source."""
        tree = self.tree_digest.removeprefix("sha256:")
        return f"v{self.version.version}-{tree[:12]}-{source_digest[:8]}"


@dataclass(frozen=True, slots=True)
class Carried:
    """The artifact tree in a bento, and the permit and the use beside it, none of them verified."""

    tree: Path
    permit: Path
    use: Path

    @classmethod
    def below(cls, root: Path) -> Carried:
        """Name where a bento whose source lies at `root` carries them."""
        return cls(root / TREE, root / PERMIT, root / USE)


@dataclass(frozen=True, slots=True)
class BuiltFor:
    """What a bento was built for: its use, and the id of the key by which it trusts permits."""

    use: Use
    key_id: str

    def to_bytes(self) -> bytes:
        """Return what the bento's file holds."""
        return canonical_json({"format": "handrail.use/1", "use": self.use.to_json(), "key_id": self.key_id})

    @classmethod
    def read(cls, file: Path) -> BuiltFor:
        """Read what `to_bytes` wrote.

        Raises:
            Refused: the file is damaged.
        """
        try:
            fields = json.loads(file.read_bytes())
            if fields["format"] != "handrail.use/1" or not isinstance(fields["key_id"], str):
                raise ValueError("it is of another format")
            return cls(Use.from_json(fields["use"]), fields["key_id"])
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise Refused("Serving this bento", (f"{file} cannot be used: {err}. Build the bento again.",)) from err


@dataclass(frozen=True, slots=True)
class Verified:
    """A private copy of exactly the files that a permit allows. Load from `tree` and from nowhere else."""

    tree: Path
    permitted: PermittedVersion


@dataclass(frozen=True, slots=True)
class BuiltBento:
    """A bento in the local store; `digest` is `sha256:<hex>` over its content, `built_at` system time."""

    tag: BentoTag
    folder: Path
    built_at: datetime
    digest: str

    @property
    def root(self) -> Path:
        """The folder of its source, with what it carries."""
        return self.folder / "src"
