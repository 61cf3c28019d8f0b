"""Starts the bento of this image: its state below HANDRAIL_HOME, its port in PORT. Needs nothing but BentoML.

What a cluster mounts below /run/handrail can be read by a group there, which Handrail refuses of a token: that is
copied to where its owner alone reads it. The address of the store, with its password, is passed on to the server.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOUNTED = Path("/run/handrail")
TOKEN, STORE = Path("serving") / "serving-token.json", Path("store") / "url"
DRAIN_S = "35"


def take_over(mounted: Path, home: Path) -> None:
    """Copy the token that is mounted into `home`, and set the address of the store that is."""
    token = home / "credentials" / TOKEN.name
    token.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (mounted / TOKEN).is_file():
        token.unlink(missing_ok=True)
        with os.fdopen(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write((mounted / TOKEN).read_bytes())
    if (mounted / STORE).is_file():
        os.environ["HANDRAIL_DATABASE_URL"] = (mounted / STORE).read_text(encoding="utf-8").strip()


def main() -> None:
    """Take over what is mounted, then become the server."""
    home = Path(os.environ["HANDRAIL_HOME"])
    try:
        take_over(MOUNTED, home)
        Path(os.environ["BENTOML_HOME"]).mkdir(parents=True, exist_ok=True)
    except OSError as err:
        sys.exit(f"error: {err}. HANDRAIL_HOME, {home}, has to be a folder that user {os.getuid()} may write.")
    command = [sys.executable, "-m", "bentoml", "serve", str(HERE / "bento"), "--host", "0.0.0.0"]
    command += ["--port", os.environ.get("PORT", "3000"), "--timeout-graceful-shutdown", DRAIN_S]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
