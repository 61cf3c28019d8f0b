"""Send what schemathesis makes of our own description to `handrail serve`: no 5xx, and no write without a token.

`make attack-feedback`. Schemathesis has an environment of its own, `.handrail/peers/schemathesis`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
PEER = ROOT / ".handrail" / "peers" / "schemathesis"
PACKAGE = "schemathesis==4.32.5"
HANDRAIL = [str(Path(sys.executable).with_name("handrail"))]
PATHS = "^/v1/"
EXAMPLES = os.environ.get("EXAMPLES", "100")
STARTS_WITHIN_S = 60.0
KINDS = "version: 1\nkinds:\n  ground_truth: {maturity_window_hours: 48}\n"


def main() -> int:
    """Return how many of the two searches found something."""
    program = installed()
    with TemporaryDirectory() as folder:
        environment = _project(Path(folder))
        rights = ["--may", "predict", "--may", "report"]
        token = _handrail(environment, "lineage", "token", "create", "attacker", *rights).strip()
        with _served(environment) as url:
            with_token = _search(program, url, token)
            before = _recorded(environment)
            without = _search(program, url, "none")
            written = _recorded(environment) != before
    kept = "something was written" if written else "nothing was written"
    sys.stdout.write(f"With a token: {_word(with_token)}. Without a valid one: {_word(without)}, {kept}.\n")
    return with_token + without + written


def _word(failed: bool) -> str:
    return "a failure, see above" if failed else "no failure"


def installed() -> Path:
    """Return schemathesis, after installing it into an environment of its own if need be."""
    program = PEER / "bin" / "schemathesis"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", PEER], check=True)
        subprocess.run([PEER / "bin" / "pip", "install", "--quiet", PACKAGE], check=True)
    return program


def _project(folder: Path) -> dict[str, str]:
    (folder / "config").mkdir()
    (folder / "config" / "handrail.yaml").write_text("repository: attacked\n", encoding="utf-8")
    (folder / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return os.environ | {"HANDRAIL_PROJECT": str(folder), "HANDRAIL_PORTS__LINEAGE": str(port), "DO_NOT_TRACK": "true"}


def _handrail(environment: Mapping[str, str], *words: str) -> str:
    done = subprocess.run([*HANDRAIL, *words], env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def _recorded(environment: Mapping[str, str]) -> object:
    said = json.loads(_handrail(environment, "feedback", "status", "--json"))
    return [said[name] for name in ("predictions", "feedback", "conflicts", "quarantined")]


@contextmanager
def _served(environment: Mapping[str, str]) -> Iterator[str]:
    url = f"http://127.0.0.1:{environment['HANDRAIL_PORTS__LINEAGE']}"
    server = subprocess.Popen([*HANDRAIL, "serve"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            with urlopen(f"{url}/livez"):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _search(program: Path, url: str, token: str) -> bool:
    """Return whether schemathesis found an answer that is our mistake, or no problem details."""
    command = [str(program), "run", f"{url}/openapi.json", "--url", url, "--include-path-regex", PATHS, "--no-color"]
    command += ["--header", f"Authorization: Bearer {token}", "--max-examples", EXAMPLES]
    command += ["--checks", "not_a_server_error,ignored_auth"]
    return subprocess.run(command, cwd=PEER, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
