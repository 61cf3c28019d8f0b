"""Which files go to where a model answers without Handrail: on a device, or as a function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from handrail.delivery.domain import Verified
from handrail.errors import MissingFile

NEEDS = ("cryptography", "numpy", "onnxruntime")
"""What the programs of a parcel import."""
ANSWERS_BY = ("onnx/model.onnx", "scoring.json")
"""The files of a tree that an answer depends on."""


class Target(Enum):
    """Where a model answers without Handrail: `edge` on a device, `function` as a serverless function."""

    EDGE = "edge"
    FUNCTION = "function"

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that go with the model."""
        return ("permitted.py", "edge.py", *(("function.py",) if self is Target.FUNCTION else ()))


@dataclass(frozen=True, slots=True)
class Trusted:
    """Files that a verifier needs: a permit, the gate's public key, and the list of permits that were taken back."""

    permit: Path
    key: Path
    revoked: Path


def parcel(target: Target, verified: Verified, trusted: Trusted, programs: Path, requirements: str) -> dict[str, bytes]:
    """Return the files of a target by their names, model and permit as they were verified.

    Args:
        target: where the model will answer.
        verified: a private copy of the permitted tree.
        trusted: what verifies it there.
        programs: the folder of the programs.
        requirements: the content of requirements.txt.

    Raises:
        MissingFile: the tree holds no ONNX model.
    """
    files = {f"model/{name}": verified.tree / name for name in ANSWERS_BY}
    for name, file in files.items():
        if not file.is_file():
            raise MissingFile(name, "Devices and functions answer by it: package the model with its ONNX file.")
    files |= {"permit.json": trusted.permit, "gate.pub": trusted.key, "revoked.dsse": trusted.revoked}
    files |= {name: programs / name for name in target.programs}
    return {name: file.read_bytes() for name, file in files.items()} | {"requirements.txt": requirements.encode()}
