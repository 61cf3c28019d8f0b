"""aics-tlog, somebody else's reader of C2SP logs, in an environment of its own: it needs a newer Python than ours."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "adapters" / "approvals" / "aics.txt"
PEER = ROOT / ".handrail" / "peers" / "aics"
DEADLINE_S = 300


def install():
    """Make the environment if it is not there; return its Python. Safe to interrupt and to repeat."""
    PEER.parent.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp, python = PEER / "installed", PEER / "bin" / "python"
    with PEER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            uv = str(Path(sys.executable).with_name("uv"))
            _run(uv, "venv", "--quiet", "--clear", "--python", _python(), str(PEER))
            _run(uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS))
            stamp.write_text(wanted)
    return python


def _python():
    """Return the Python that HANDRAIL_TEST_AICS names, else what uv finds."""
    named = os.environ.get("HANDRAIL_TEST_AICS", "")
    return named if "/" in named else ">=3.12,<3.15"


def ask(code, *arguments):
    """Run code in that environment, which prints one JSON value, and return the value."""
    return json.loads(_run(str(install()), "-c", code, *map(str, arguments)))


def _run(*command):
    run = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert run.returncode == 0, run.stderr
    return run.stdout
