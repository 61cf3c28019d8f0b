"""A store with the story of one model, many predictions of two deployments and their outcomes; and who asks for it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from handrail.bootstrap import Platform
from handrail.bootstrap.lineage_events import open_access
from handrail.feedback import Feedback, Prediction
from handrail.settings import Settings
from infra.servers.supervisor import address_of, commands, environment
from tests.benchmarks import harness
from tests.fakes.lineage import DEPLOYMENT, PERMIT, VERSION
from tests.fakes.lineage_store import story_in

KIND, SLOT = "ground_truth", "deploy://local/flights"
NEXT, NEXT_VERSION = "deploy://local/flights/d2", "mlflow://registry/registered/flights/17/2"
BATCH, PROGRESS = 20_000, 100_000
DAYS = 150
UP_WITHIN_S = 120


def fill(settings: Settings, predictions: int) -> str:
    """Record the story, so many predictions over some months, and outcomes of most; return the id of a prediction."""
    with Platform(settings) as platform:
        lineage = story_in(platform, settings.project)
        began = datetime.now(UTC) - timedelta(days=DAYS)
        lineage.point("mlflow alias flights@champion", VERSION, began, by=PERMIT.uri)
        lineage.point(SLOT, DEPLOYMENT, began, by="handrail deploy")
        platform.feedback.register_deployment(DEPLOYMENT.uri, None, VERSION.uri)
        platform.feedback.register_deployment(NEXT, None, NEXT_VERSION)
        step = timedelta(days=DAYS) / predictions
        for first in range(0, predictions, BATCH):
            if first % PROGRESS == 0:
                harness.progress(f"{first:,} of {predictions:,} predictions with outcomes")
            numbers = range(first, min(first + BATCH, predictions))
            made = [_prediction(number, began + number * step) for number in numbers]
            platform.feedback.record_predictions(made)
            platform.feedback.record_feedback(
                [_outcome(n, one) for n, one in zip(numbers, made, strict=True) if n % 20]
            )
    return f"p{predictions // 2 + 1}"


def _prediction(number: int, at: datetime) -> Prediction:
    score = (number * 2_654_435_761 % 1_000_003) / 1_000_003
    deployment = NEXT if number % 5 == 0 else DEPLOYMENT.uri
    return Prediction(f"p{number}", deployment, f"flight-{number}", at, score, int(score > 0.5))


def _outcome(number: int, about: Prediction) -> Feedback:
    happened = float((number * 40_503 % 65_537) / 65_537 < about.score)
    at = about.made_at + timedelta(hours=1 + number % 30)
    return Feedback(about.prediction_id, KIND, happened, "airline", 0, at, at)


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[tuple[int, httpx.Client]]:
    """Start `handrail serve`; yield its process, and a client whose token may ask."""
    with Platform(settings) as platform:
        token = open_access(platform.store).create("bench")
    with log.open("wb") as file:
        line = ["/bin/sh", "-c", commands()["lineage"]]
        env = environment(settings, "lineage") | {"OMP_NUM_THREADS": "1"} | {"HANDRAIL_PROJECT": str(settings.project)}
        process = subprocess.Popen(line, env=env, cwd=settings.project, stdout=file, stderr=subprocess.STDOUT)
    try:
        url = address_of(settings, "lineage")
        _wait_until_up(process, f"{url}/livez", log)
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60) as http:
            yield process.pid, http
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_up(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit(f"handrail serve did not start: {log.read_text(errors='replace')[-800:]}")


def processor_s(process: int) -> float:
    """Return for how long a process and its children have used a processor, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_s(int(child)) for child in children)
