"""Installs the oldest versions that pyproject.toml allows into .handrail/oldest, beside .venv, from a separate lock.

Safe to interrupt and to repeat: a stamp, written last, names the lock and the pyproject.toml that were installed.
"""

import subprocess
import sys
from pathlib import Path

from infra.install import ROOT, environment, fingerprint

LOCK = ROOT / "infra" / "requirements-oldest.lock"
VENV = ROOT / ".handrail" / "oldest"
STAMP = VENV / "handrail-installed"


def main() -> int:
    """Install what is missing; return the exit code."""
    if STAMP.is_file() and STAMP.read_text() == fingerprint(LOCK):
        return 0
    try:
        install()
    except subprocess.CalledProcessError as err:
        print(f"error: {Path(str(err.cmd[0])).name} failed, see above.", file=sys.stderr)
        return 1
    STAMP.write_text(fingerprint(LOCK))
    return 0


def install() -> None:
    """Make the environment anew, then put everything of the lock and Handrail itself into it."""
    print(f"Installing {LOCK.name} ...", flush=True)
    into = ("--quiet", "--python", str(VENV / "bin" / "python"))
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(VENV))
    _uv("pip", "sync", *into, "--require-hashes", str(LOCK))
    _uv("pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([str(uv), *arguments], cwd=ROOT, env=environment(), check=True)


if __name__ == "__main__":
    sys.exit(main())
