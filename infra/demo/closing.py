"""Step 15: where to look; and the closing screen, with everything else in two files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handrail.files import replace_file
from infra.demo.left_open import leave_open
from infra.demo.people import PEOPLE
from infra.demo.scene import Scene
from infra.demo.screen import Report, show

WIDTH = 120
HANDRAIL = ".venv/bin/handrail"
ONLY = "_only"
"""The end of the figures of challengers that know fewer features."""
IN_SHADOW = "_in_shadow"
"""The end of the figures of what became of them in shadow."""


def addresses(scene: Scene, report: Report) -> dict[str, object]:
    """Say where each tool will answer under `make up`; the demo's own servers end with it."""
    waiting = leave_open(scene, report)
    report("stopping the demo's servers")
    usual = scene.found["usual"]
    return {
        "start": "make up",
        "mlflow": usual.url("mlflow"),
        "prefect": usual.url("prefect"),
        "bento": usual.url("bento"),
        "evidently": f"http://{usual.host}:{usual.ports.evidently}",
        "lineage": f"http://{usual.host}:{usual.ports.lineage}",
        "credentials": str(scene.settings.credentials.relative_to(scene.checkout)),
        **waiting,
    }


ANSWERS = {
    "better": "the challenger is better",
    "worse": "the challenger is worse",
    "no_difference": "no difference that matters",
    "inconclusive": "inconclusive",
    "blocked": "blocked",
}
OUTCOMES = {"void": "overtaken by it"}
"""What a person reads of a verdict that is no decision: the champion changed before one was made."""


def write(folder: Path, summary: dict[str, Any]) -> tuple[Path, Path]:
    """Write every figure as summary.json, for programs, and as summary.txt, for people; return both files."""
    page = io.StringIO()
    Console(file=page, width=WIDTH).print(table_of(summary))
    files = folder / "summary.json", folder / "summary.txt"
    replace_file(files[0], f"{json.dumps(summary, indent=2)}\n".encode())
    replace_file(files[1], page.getvalue().encode())
    return files


def table_of(summary: dict[str, Any]) -> Table:
    """Return all figures as a table: a row a figure, under the step that it belongs to."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for style in ("bold", "dim", ""):
        table.add_column(style=style, overflow="fold")
    for step in summary["steps"]:
        title = f"{step['name']} [dim]{step['wall_s']:.0f} s[/]"
        for name, value in step["figures"].items():
            table.add_row(title, name.replace("_", " "), escape(show(value)))
            title = ""
    return table


def show_end(console: Console, summary: dict[str, Any], files: Sequence[Path]) -> None:
    """Print the closing screen; after a stop, which step it was and how to go on."""
    steps = {step["name"]: step["figures"] for step in summary["steps"]}
    if "closing" in steps:
        lines = [f"The loop is closed: {summary['wall_s']:.0f} s", *verdicts(steps), *ways_on(steps)]
    else:
        lines = [f"Stopped after {list(steps)[-1]}: {summary['wall_s']:.0f} s. `make demo` goes on from here."]
    for line in (*lines, f"All figures: {', '.join(_shown(file) for file in files)}"):
        # Not wrapped: an id that is cut cannot be copied.
        console.print(line, markup=False, soft_wrap=True)


def verdicts(steps: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the loop decided, a line each."""
    approve, serve, retrain, trace = (steps[name] for name in ("approve", "serve", "retrain", "trace"))
    rollout = steps["rollout"]
    months = [name for name in steps["monitor"] if name[:1].isdigit()]
    alerts = [name for name in months if str(steps["monitor"][name]).endswith("alert")]
    yield f"  gate       {approve['verdict']} by {show(approve['approved_by'])}; a move without it: {_status(approve)}"
    refused = serve["altered_trees_refused"].partition(",")[0]
    yield f"  bytes      altered trees refused: {refused}; another use and an edited log: too"
    yield f"  months     {len(months)} judged on mature labels; alerts: {', '.join(alerts) or 'none'}"
    others = [name for name in retrain if name.endswith(ONLY)]
    poor = "".join(
        f"; the model that knows only the {name.removesuffix(ONLY)}: {OUTCOMES.get(retrain[name], retrain[name])}"
        for name in others
    )
    yield f"  retrained  {rollout['verdict']}{poor}"
    yield f"  compared   {_compared(steps['compare'])}"
    yield f"  rollout    {_rolled(rollout, steps['compare'])}"
    yield f"  lineage    {trace['predictions_that_trace']} predictions lead back to commit and bytes"


def _status(approve: Mapping[str, Any]) -> str:
    return str(approve["direct_attempt"]).partition(" ")[0]


def ways_on(steps: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield where to look, what to type, and who can log in."""
    at, trace, model = steps["closing"], steps["trace"], steps["approve"]["version"].partition(" ")[0]
    yield f"{at['start']}: MLflow {at['mlflow']}, Prefect {at['prefect']},"
    yield f"  bento {at['bento']}/docs, Evidently {at['evidently']},"
    yield f"  lineage {at['lineage']}/handrail/ (token: lineage-token.json)"
    if waits := at.get("waits_for"):
        yield f"Decide one request in a browser, as {waits} ({at['credentials']}/demo-{waits}.json):"
        yield f"  {at['mlflow']}/handrail/requests/{at['open_request']}"
    yield f"{HANDRAIL} lineage trace {trace['prediction']}"
    yield f"{HANDRAIL} lineage impact {trace['impact_of']}"
    yield f"{HANDRAIL} reproduce {model}@champion"
    who = ", ".join(f"{person.account} ({', '.join(person.roles)})" for person in PEOPLE)
    yield f"MLflow knows {who}:"
    yield f"  passwords in {at['credentials']}/demo-<name>.json; tokens beside them"


def _compared(found: Mapping[str, Any]) -> str:
    """Return the verdict on the challenger in shadow, and the interval of its gain: positive is better."""
    if found["answer"] not in ANSWERS:
        return f"no: {found['because']}"
    low, high = found["gain_from"], found["gain_to"]
    gain = "" if low is None or high is None else f" ({found['metric']} {low:+.4f} to {high:+.4f})"
    return f"in shadow: {ANSWERS[found['answer']]}{gain}"


def _rolled(rollout: Mapping[str, Any], compared: Mapping[str, Any]) -> str:
    """Return the way of the challenger to its end, and what was rolled back on the way."""
    steps = ", ".join(rollout["shares"]) or "no days for it"
    others = "".join(
        f"; {name.removesuffix(IN_SHADOW)}: {compared[name]}" for name in compared if name.endswith(IN_SHADOW)
    )
    return f"{steps}: {rollout['ended']}{others}"


def _shown(file: Path) -> str:
    """Return a file's path as it is typed in the checkout."""
    return str(Path(*file.parts[file.parts.index(".handrail") :]))
