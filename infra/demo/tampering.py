"""What the demo tries with permitted bytes and the gate's log, and how each attempt is refused."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from handrail.approvals import LogVerifier, TamperedLog
from handrail.bootstrap.approvals_log import read_log_key
from handrail.delivery import Permits
from handrail.errors import Refused
from handrail.refs import Use
from handrail.settings import Settings

OTHER_ALIAS = "shadow"


def refuse_altered(permits: Permits, tree: Path, permit: Path, use: Use) -> list[str]:
    """Flip one byte in each file of copies of the tree; return the verifier's sentences.

    Raises:
        Refused: an altered tree passed.
    """
    refusals = []
    files = sorted(str(file.relative_to(tree)) for file in tree.rglob("*") if file.is_file())
    for name in files:
        with tempfile.TemporaryDirectory(prefix="handrail-altered-") as folder:
            copy = Path(folder) / "tree"
            shutil.copytree(tree, copy)
            content = bytearray((copy / name).read_bytes() or b" ")
            content[len(content) // 2] ^= 1
            (copy / name).write_bytes(content)
            try:
                permits.verify(copy, permit, Path(folder) / "private", use)
            except Refused as err:
                if f"'{name}'" not in err.reasons[0]:
                    raise
                refusals.append(err.reasons[0])
                continue
            raise Refused("The demo", (f"A tree with one byte of {name} flipped was accepted.",))
    return refusals


def refuse_another_use(permits: Permits, tree: Path, permit: Path, use: Use) -> str:
    """Load the very bytes that the permit allows, as another alias; return the verifier's sentence.

    Raises:
        Refused: they passed.
    """
    with tempfile.TemporaryDirectory(prefix="handrail-altered-") as folder:
        try:
            permits.verify(tree, permit, Path(folder) / "private", replace(use, alias=OTHER_ALIAS))
        except Refused as err:
            if OTHER_ALIAS not in err.reasons[0]:
                raise
            return err.reasons[0]
    raise Refused("The demo", (f"A permit for @{use.alias} let its bytes be loaded as @{OTHER_ALIAS}.",))


def find_edited_leaf(settings: Settings) -> str:
    """Edit a decision in a copy of the log, as somebody with its files could; return what verifying it says.

    Raises:
        Refused: the edit was not found.
    """
    with tempfile.TemporaryDirectory(prefix="handrail-altered-") as folder:
        copy = Path(folder) / "log"
        shutil.copytree(settings.log, copy)
        for file in sorted((copy / "tile" / "entries").rglob("*")):
            if file.is_file():
                file.write_bytes(file.read_bytes().replace(b'"approve"', b'"reject_"'))
        try:
            LogVerifier(copy, read_log_key(settings.log / "log.vkey")).verify()
        except TamperedLog as err:
            if err.leaf is not None:
                return err.problem
            raise
    raise Refused("The demo", ("A leaf of the log was edited, and nobody noticed.",))
