"""`make demo`: the whole loop on the recorded data, in a clone below .handrail/; safe to interrupt and to run again."""

from __future__ import annotations

import argparse
import json
import logging
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.markup import escape

from flows.steps.project.workspace import bring_clone, configure_dvc
from handrail.bootstrap.dvc_files import cache_of
from handrail.entrypoints.cli.env import tool_environment
from handrail.errors import HandrailError, InvalidInput
from handrail.files import replace_file
from handrail.settings import Settings, load_settings
from infra.demo import closing, gate, production, provenance, rolling, training
from infra.demo.scene import COMMITTER, Scene, enter
from infra.demo.screen import Report, Screen
from infra.servers.supervisor import Servers, settings_environment, with_free_ports

QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PYTHONWARNINGS": "ignore",
}
"""The demo's own lines are what a person reads; the tools' own lines still go to their logs."""

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered part of the demo; its title may name what the description names."""

    name: str
    title: str
    run: Callable[[Scene, Report], dict[str, object]]


STEPS = (
    Step("acquire", "Acquire the {many} known at go-live", training.acquire),
    Step("validate", "Validate with Great Expectations", training.validate),
    Step("features", "Join features with Feast", training.features),
    Step("train", "Train and log to MLflow", training.train),
    Step("evaluate", "Evaluate slices, calibration, robustness", training.evaluate),
    Step("package", "Package with ONNX and prove parity", training.package),
    Step("approve", "Pass the approval gate", gate.approve),
    Step("serve", "Build the bento and serve permitted bytes", gate.serve),
    Step("replay", "Replay {months}", production.replay),
    Step("monitor", "Monitor month by month", production.monitor),
    Step("retrain", "Retrain, and let the gate decide", production.retrain),
    Step("compare", "Compare challengers in shadow", rolling.compare),
    Step("rollout", "Roll out as a canary, promote, deploy", rolling.roll_out),
    Step("trace", "Trace a prediction, and a raw file's impact", provenance.trace),
    Step("closing", "Where to look", closing.addresses),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every step; write summary.json even after an error; return the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer rows, same steps")
    parser.add_argument("--stop", metavar="STEP", help="end after this step")
    options = parser.parse_args(arguments)
    _silence_warnings()
    console = Console(highlight=False)
    try:
        steps = steps_until(options.stop)
    except InvalidInput as err:
        console.print(f"[bold red]error:[/] {err}")
        return 2
    home = CHECKOUT / ".handrail"
    results: list[dict[str, Any]] = []
    began = time.monotonic()
    stopped: list[str] = []
    try:
        with reasons(home, stopped.append):
            _play(home, options.short, Screen(console, len(steps)), steps, results)
    except KeyboardInterrupt:
        stopped.append("Interrupted. What was done stays done; run it again to continue.")
    for reason in stopped:
        console.print(f"[bold red]error:[/] {escape(reason)}")
    ok = not stopped and all(result["ok"] for result in results)
    summary = {"ok": ok, "wall_s": round(time.monotonic() - began, 1), "steps": results}
    try:
        files = closing.write(home / "demo", summary | ({"reason": stopped[0]} if stopped else {}))
    except HandrailError as err:
        console.print(f"[bold red]error:[/] {escape(str(err))}")
        return 1
    if ok:
        closing.show_end(console, summary, files)
    return 0 if ok else 1


def steps_until(name: str | None) -> tuple[Step, ...]:
    """Return the steps up to the one of that name, all if None.

    Raises:
        InvalidInput: there is no such step.
    """
    if not name:
        return STEPS
    names = [step.name for step in STEPS]
    if name not in names:
        raise InvalidInput("STOP", f"there is no step {name!r}", f"The steps are {', '.join(names)}.")
    return STEPS[: names.index(name) + 1]


def _silence_warnings() -> None:
    """Keep what libraries say to each other's developers off the screen; some of them set the filters back."""
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.NullHandler())
    logging.getLogger("py.warnings").propagate = False


def _settings(home: Path) -> tuple[Settings, Settings]:
    """Clone the checkout; return the clone's settings, which this process's environment then holds, and the user's."""
    clone = home / "demo" / "project"
    bring_clone(CHECKOUT, clone, COMMITTER)
    usual = load_settings(CHECKOUT)
    # A table that the user tracks is in the checkout's cache, and perhaps nowhere else.
    is_tracked = any(clone.glob("data/**/*.dvc"))
    configure_dvc(clone, home / "dvc-remote", cache_of(CHECKOUT) if is_tracked else None)
    enter({"HANDRAIL_PROJECT": str(clone), "HANDRAIL_HOME": str(home), "HANDRAIL_REPLAY": "true"})
    settings = with_free_ports(load_settings(clone))
    enter({**tool_environment(settings), **settings_environment(settings), **QUIET})
    return settings, usual


def _play(home: Path, short: bool, screen: Screen, steps: Sequence[Step], results: list[dict[str, Any]]) -> None:
    settings, usual = _settings(home)
    with Servers(settings) as servers, Scene(CHECKOUT, settings, servers, short) as scene:
        scene.found["usual"] = usual
        scene.found["params"] = yaml.safe_load((settings.project / "params.yaml").read_text(encoding="utf-8"))
        training.prepare(scene)
        run_steps(scene, screen, steps, results)


def run_steps(scene: Scene, screen: Screen, steps: Sequence[Step], results: list[dict[str, Any]]) -> None:
    """Run one step after another; append the result of each, also of the one that fails, which is the last."""
    words = {"many": scene.case.subject.many, "months": production.span_of(scene.months)}
    for step in (replace(step, title=step.title.format(**words)) for step in steps):
        began = time.monotonic()
        figures: dict[str, object] = {}
        stopped: list[str] = []
        with reasons(scene.settings.home, stopped.append), screen.step(step.title) as report:
            figures = step.run(scene, report)
        if stopped:
            screen.failed(step.title, time.monotonic() - began, stopped[0])
            results.append(_result(step, began, ok=False, figures={"reason": stopped[0]}))
            return
        results.append(_result(step, began, ok=True, figures=figures))
        screen.done(step.title, time.monotonic() - began, figures)


@contextmanager
def reasons(home: Path, stopped: Callable[[str], None]) -> Iterator[None]:
    """Call `stopped` with the sentence of the error that ends the block, whatever it is; an interrupt goes on."""
    try:
        yield
    except Exception as err:  # noqa: BLE001 - a person reads one sentence, and the summary is written in any case
        stopped(reason_of(home, err))


def reason_of(home: Path, err: Exception) -> str:
    """Return the error's own sentence, or one with a remedy; the traceback of a mistake of ours goes to a file."""
    if isinstance(err, HandrailError):
        return str(err)
    problem = " ".join(f"{type(err).__name__}: {err}".split()).rstrip(".:")
    if isinstance(err, OSError | sqlite3.Error | httpx.HTTPError):
        return f"{problem}. See {home / 'logs'}, free the disk if it is full, run it again."
    file = home / "demo" / "traceback.txt"
    try:
        replace_file(file, "".join(traceback.format_exception(err)).encode())
    except HandrailError as full:
        return f"{problem}. Its traceback could not be kept: {full}"
    return f"{problem}. Run it again, and if it stays, report it with {file}."


def _result(step: Step, began: float, *, ok: bool, figures: dict[str, object]) -> dict[str, Any]:
    plain = json.loads(json.dumps(figures, default=str))
    return {"name": step.name, "ok": ok, "wall_s": round(time.monotonic() - began, 2), "figures": plain}


if __name__ == "__main__":
    sys.exit(main())
