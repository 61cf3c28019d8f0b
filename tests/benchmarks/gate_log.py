"""The gate's log: a million leaves verified, and leaves appended with their proof in one durable transaction."""

from __future__ import annotations

import shutil
from pathlib import Path

from handrail.approvals.adapters.folder_log import FolderLog
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.domain.merkle import CompactRange, leaf_hash
from handrail.approvals.domain.notes import SIGNATURE_BYTES, Checkpoint
from tests.benchmarks import harness
from tests.fakes.approvals_store import log_key
from tests.fakes.log_folder import note_of

CASE = "tests.benchmarks.gate_log_case"
LEAVES = 1_000_000
VERIFY_LIMIT_S, APPEND_LIMIT_MS = 5.0, 50.0


def make_log(folder: Path) -> None:
    """Write a log of a million decisions, unless it is there. Its heads are empty: only locating a fault reads them."""
    if (folder / "checkpoint").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    signer, log, tree = log_key(), FolderLog(folder, durable=False), CompactRange()
    for first in range(0, LEAVES, 256):
        bundle = []
        for number in range(first, min(first + 256, LEAVES)):
            content = _decision(number).content(number)
            tree = tree.then(leaf_hash(content))
            bundle.append(LoggedLeaf(number, None, None, content, leaf_hash(content), (), bytes(SIGNATURE_BYTES)))
        log.put(bundle)
    folder.joinpath("log.vkey").write_text(f"{signer.key.text}\n", encoding="utf-8")
    log.finish(0, note_of(signer, tree, signer.sign(Checkpoint(signer.key.name, tree.size, tree.root).text)))


def _decision(number: int) -> Leaf:
    facts = {"body": f"sha256:{number:064x}", "account": "ben", "person": "Ben", "choice": "approve"}
    return Leaf("decided", "2026-01-01T00:00:00.000000+00:00", facts, f"pr-{number:020x}", 0)


def main() -> None:
    """Measure each side in turn, print the table beside the limits, and keep it."""
    load, folder = harness.quiet_load(), harness.RESULTS / "gate-log"
    folder.mkdir(parents=True, exist_ok=True)
    make_log(folder / "log")
    sides = {"verify": ["verify", str(folder / "log")]}
    sides |= {side: [side, str(folder)] for side in ("append", "commit")}
    found = {side: runs or [] for side, runs in harness.interleaved(CASE, sides).items()}
    rows = []
    for metric, unit, field in (("wall", "s", "seconds"), ("CPU", "CPU s", "cpu")):
        ours = [run[field] for run in found["verify"]]
        rows.append(harness.compare(f"verify {LEAVES:,} leaves", metric, unit, ours, ("limit", [VERIFY_LIMIT_S])))
    for metric in ("p50", "p99"):
        ours, bare = ([run[metric] for run in found[side]] for side in ("append", "commit"))
        rows.append(harness.compare("append with proof, durable", metric, "ms", ours, ("sqlite", bare)))
        rows.append(harness.compare("append with proof, durable", metric, "ms", ours, ("limit", [APPEND_LIMIT_MS])))
    harness.finish("gate-log", rows, load, 120)


if __name__ == "__main__":
    main()
