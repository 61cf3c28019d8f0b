"""Installs the project into .venv from the lock, with nothing but this Python, git and make. Standard library only.

Safe to interrupt and to repeat: a stamp, written last, names the lock and the pyproject.toml that were installed.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "infra" / "requirements.lock"
TABLES = ROOT / "infra" / "requirements-tables.txt"
"""Packages of which tests read a table and no code: what else these packages need stays away."""
VENV = ROOT / ".venv"
STAMP = VENV / "handrail-installed"
OLDEST, TOO_NEW = (3, 11), (3, 15)


class CannotInstall(Exception):
    """The machine lacks something; the message is the sentence that the user reads."""


def main() -> int:
    """Install what is missing; return the exit code."""
    try:
        check_machine(sys.version_info[:2], importlib.util.find_spec("ensurepip") is not None)
        if STAMP.is_file() and STAMP.read_text() == fingerprint(LOCK):
            return 0
        STAMP.unlink(missing_ok=True)
        install()
    except CannotInstall as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as err:
        print(f"error: {Path(str(err.cmd[0])).name} failed, see above. Run make setup again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Run make setup again to continue.", file=sys.stderr)
        return 1
    return 0


def check_machine(version: "tuple[int, ...]", has_venv: bool) -> None:
    """Refuse a Python that the lock was not made for, and one that cannot make virtual environments.

    Raises:
        CannotInstall: with the command that corrects it.
    """
    if not OLDEST <= version < TOO_NEW:
        raise CannotInstall(
            f"Python {'.'.join(map(str, version))} at {sys.executable} does not fit, 3.11 to 3.14 is needed. "
            "Name one: make setup PYTHON=python3.11"
        )
    if not has_venv:
        raise CannotInstall("This Python cannot make virtual environments. Install it: apt-get install python3-venv")


def fingerprint(lock: Path) -> str:
    """Return what an installation depends on: the files that name packages, the interpreter, the place."""
    parts = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (lock, TABLES, ROOT / "pyproject.toml")]
    return "\n".join([*parts, sys.version.split()[0], str(ROOT), ""])


def install() -> None:
    """Make .venv, put the locked uv into it, then everything of the lock, then Handrail itself."""
    python = VENV / "bin" / "python"
    if not _answers(python, "-m", "pip"):
        print("Making .venv ...", flush=True)
        venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
    uv = VENV / "bin" / "uv"
    if not _is_locked(uv):
        wanted = VENV / "uv.txt"
        wanted.write_text(locked_lines("uv"))
        print("Fetching uv ...", flush=True)
        _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(wanted))
    print("Installing the lock ...", flush=True)
    _run(uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", str(python), "--require-hashes", str(LOCK))
    _run(
        uv, "pip", "install", "--quiet", "--python", str(python),
        "--no-deps", "--no-build-isolation", "--editable", str(ROOT),
    )  # fmt: skip
    _run(
        uv, "pip", "install", "--quiet", "--python", str(python),
        "--no-deps", "--require-hashes", "--requirement", str(TABLES),
    )  # fmt: skip
    STAMP.write_text(fingerprint(LOCK))
    print("Installed.", flush=True)


def locked_lines(package: str) -> str:
    """Return a package's lines of the lock: its version and its hashes.

    Raises:
        CannotInstall: the lock does not name it.
    """
    found = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n", LOCK.read_text(), flags=re.MULTILINE)
    if found is None:
        raise CannotInstall(f"{LOCK.name} does not name {package}. Make it again: make lock")
    return found.group()


def _is_locked(uv: Path) -> bool:
    version = locked_lines("uv").split("==")[1].split()[0]
    return (
        _answers(uv) and subprocess.run([uv, "--version"], capture_output=True, text=True).stdout.split()[1] == version
    )


def _answers(program: Path, *arguments: str) -> bool:
    try:
        return subprocess.run([program, *arguments, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def environment() -> dict[str, str]:
    """Return this process's environment; uv gets what is set for pip alone: index and certificates."""
    variables = dict(os.environ)
    for pip_name, uv_name in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if pip_name in variables:
            variables.setdefault(uv_name, variables[pip_name])
    # A virtual environment that the user has active is not the one to install into.
    variables.pop("VIRTUAL_ENV", None)
    return variables


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], cwd=ROOT, env=environment(), check=True)


if __name__ == "__main__":
    sys.exit(main())
