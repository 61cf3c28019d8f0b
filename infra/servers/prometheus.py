"""Debian's Prometheus over this project's servers: `make prometheus`, with the alert rules of infra/prometheus.

It reads `/metrics` of the bento; of `handrail serve` and of the gate it does so with the setting `metrics_token`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from handrail.errors import HandrailError, Unavailable
from handrail.files import PRIVATE, replace_file
from handrail.settings import Settings, load_settings, make_home

RULES = Path(__file__).resolve().parents[1] / "prometheus" / "rules.yml"
PORT = 9090
EVERY = "15s"
KEEP = "30d"
NO_TOKEN = (
    "Figures of feedback and of the gate are left out: they need the setting metrics_token. "
    "Set HANDRAIL_METRICS_TOKEN for `handrail serve`, for the MLflow server and here."
)


def program(name: str = "prometheus") -> str:
    """Return where a program of the package prometheus lies.

    Raises:
        Unavailable: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        remedy = "Install it: apt-get install -y --no-install-recommends prometheus."
        raise Unavailable("Prometheus", f"{name} is not installed", remedy)
    return found


def folder_of(settings: Settings) -> Path:
    """Return where configuration, tokens and data of Prometheus lie, readable by the owner alone."""
    folder = make_home(settings) / "prometheus-server"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def configuration(settings: Settings, every: str = EVERY) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration, and a sentence about what is left out because there is no token for it."""
    folder, notes = folder_of(settings), list[str]()
    jobs: list[dict[str, Any]] = [_job("handrail-serving", settings.host, settings.ports.bento, "/metrics")]
    if settings.metrics_token is not None:
        token = folder / "token"
        replace_file(token, settings.metrics_token.get_secret_value().encode(), mode=PRIVATE)
        jobs.append(_job("handrail-feedback", settings.host, settings.ports.lineage, "/metrics", token))
        jobs.append(_job("handrail-gate", settings.host, settings.ports.mlflow, "/handrail/api/v1/metrics", token))
    else:
        notes.append(NO_TOKEN)
    wanted = {"scrape_interval": every, "evaluation_interval": every}
    return {"global": wanted, "rule_files": [str(RULES)], "scrape_configs": jobs}, notes


def command(settings: Settings, port: int, every: str = EVERY) -> tuple[list[str], list[str]]:
    """Write the configuration; return the command line that starts Prometheus, and what is to be said before.

    Raises:
        Unavailable: Prometheus is not installed.
    """
    folder, (content, notes) = folder_of(settings), configuration(settings, every)
    file = folder / "prometheus.yml"
    replace_file(file, yaml.safe_dump(content, sort_keys=False).encode(), mode=PRIVATE)
    line = [program(), f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    line += [f"--storage.tsdb.retention.time={KEEP}", f"--web.listen-address={settings.host}:{port}"]
    return line, notes


def main() -> None:
    """Become Prometheus."""
    parser = argparse.ArgumentParser(prog="python -m infra.servers.prometheus", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    port = parser.parse_args().port
    try:
        settings = load_settings()
        line, notes = command(settings, port)
    except HandrailError as err:
        sys.exit(f"error: {err}")
    for note in notes:
        sys.stderr.write(f"{note}\n")
    sys.stderr.write(f"Prometheus is at http://{settings.host}:{port}; alerts at /alerts.\n")
    sys.stderr.flush()
    os.execv(line[0], line)


def _job(name: str, host: str, port: int, path: str, token: Path | None = None) -> dict[str, Any]:
    job: dict[str, Any] = {
        "job_name": name,
        "metrics_path": path,
        "static_configs": [{"targets": [f"{host}:{port}"]}],
    }
    return job if token is None else job | {"authorization": {"credentials_file": str(token)}}


if __name__ == "__main__":
    main()
