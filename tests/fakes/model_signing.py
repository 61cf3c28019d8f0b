"""The program `model_signing` in an environment of its own: the independent reader of OMS bundles."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

PEER = Path(__file__).resolve().parents[2] / ".handrail" / "peers" / "model-signing"
PACKAGES = ("model-signing==1.1.1", "pyopenssl==26.4.0")
DEADLINE_S = 300


def install() -> Path:
    """Make the environment if it is not there; return its Python. Safe to interrupt and to repeat."""
    PEER.parent.mkdir(parents=True, exist_ok=True)
    stamp, wanted = PEER / "installed", " ".join(PACKAGES)
    python = PEER / "bin" / "python"
    with PEER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            uv = str(Path(sys.executable).with_name("uv"))
            for words in (
                [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PEER)],
                [uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES],
            ):
                subprocess.run(words, check=True, timeout=DEADLINE_S)
            stamp.write_text(wanted)
    return python
