"""`handrail feedback queue`: which predictions a person should label, and what the labels say about all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.clock import system_time
from handrail.entrypoints.answers.label_studio import plan_in, read_labels, read_tasks, tasks_of
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows, read_moment, results
from handrail.errors import InvalidInput, Unavailable
from handrail.feedback import QueueFigure, make_queue, measure_queue, plan_of
from handrail.files import replace_file

app = typer.Typer(
    no_args_is_help=True,
    help="Labels worth buying: which predictions a person should label, and what that says about all of them.",
    epilog="Example: handrail feedback queue make sha256:... --most 200 --to tasks.json",
)
WITHOUT: Mapping[str, str] = {
    "unsure": "without a label",
    "never-came": "past their maturity without a reported label",
}
File = Annotated[Path, typer.Argument(help="Tasks as `make` wrote them, or as Label Studio exported them (JSON).")]


@app.command("make", epilog="Example: handrail feedback queue make sha256:... --most 200 --to tasks.json")
def make(
    snapshot: Annotated[str, typer.Argument(help="The snapshot's digest, as `snapshot` printed it.")],
    most: Annotated[int, typer.Option("--most", min=1, help="About how many somebody will label.")],
    to: Annotated[Path, typer.Option("--to", help="The file of tasks, for Label Studio's import.")],
    seed: Annotated[str, typer.Option("--seed", help="Another word draws other predictions.")] = "",
    reason: Annotated[
        str,
        typer.Option(
            "--reason", help="unsure: whose labels shorten the interval most; never-came: past maturity, none reported."
        ),
    ] = "unsure",
) -> None:
    """Draw predictions whose labels shorten the interval most, or never came, and write them as tasks.

    The same snapshot, number, word and reason draw the same predictions, so that nothing has to be kept but the file.
    """
    plan = plan_of({"snapshot": snapshot, "most": most, "seed": seed, "reason": reason})
    with open_records() as platform:
        queue = make_queue(platform.feedback, plan)
    replace_file(to, f"{json.dumps(tasks_of(queue), indent=1)}\n".encode())
    results.print(
        f"{len(queue.tasks):,} of {queue.waiting:,} predictions {WITHOUT[queue.plan.reason]} are in {to}; "
        f"{queue.known:,} have one. Import the file into Label Studio, and its export with: "
        f"handrail feedback queue import",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@app.command("import", epilog="Example: handrail feedback queue import export.json --kind ground_truth --choice yes=1")
def take(
    file: File,
    kind: Annotated[str, typer.Option("--kind", help="The kind of feedback that the answers are.")],
    choices: Annotated[list[str] | None, typer.Option("--choice", help="WORD=VALUE, for each choice.")] = None,
) -> None:
    """Record what people answered in Label Studio. Repeating it changes nothing; what cannot be read is set aside."""
    values, tasks = dict(map(_choice, choices or [])), read_tasks(_text(file))
    with open_records() as platform:
        platform.feedback.kind(kind)
        rows = list(read_labels(tasks, kind, values, system_time()))
        receipt = platform.feedback.receive(rows, str(file.name))
    for each in receipt.refused:
        messages.print(f"Row {each.index + 1}: {each.problem}", highlight=False, markup=False, soft_wrap=True)
    results.print(
        f"{receipt.accepted:,} answers recorded, {receipt.repeated:,} known already, {len(receipt.refused):,} in "
        "quarantine.",
        highlight=False,
        markup=False,
    )
    if receipt.refused or receipt.conflicts:
        raise typer.Exit(1)


@app.command("figures", epilog="Example: handrail feedback queue figures tasks.json --json")
def figures(
    file: File,
    as_of: Annotated[str | None, typer.Option("--as-of", help="What was known then; event time now if unset.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate figures over all predictions of the snapshot from the labels of the drawn ones, corrected for the draw.

    The scores of all predictions shorten the interval; wrong scores cost width and never coverage.
    """
    plan = plan_in(read_tasks(_text(file)))
    with open_records() as platform:
        known = platform.event_clock() if as_of is None else read_moment("--as-of", as_of)
        found = measure_queue(platform.feedback, plan, known)
    if as_json:
        return print_json([asdict(each) for each in found])
    print_rows([("figure", "value", "95 % interval", "by labels alone"), *map(_row, found)])
    one = found[0]
    results.print(
        f"{one.answered:,} of {one.asked:,} drawn predictions have a label, {one.known:,} of {one.predictions:,} had "
        "one before. Drawn ones without a label are taken to be like those with one.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return None


def _row(figure: QueueFigure) -> tuple[str, ...]:
    low, high = figure.alone
    return (
        figure.name,
        f"{figure.value:.4f}",
        f"{figure.low:.4f} to {figure.high:.4f}",
        f"{low:.4f} to {high:.4f}",
    )


def _choice(text: str) -> tuple[str, float]:
    word, equals, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError as err:
        raise InvalidInput("--choice", f"{text[:60]!r} has no number", "Write WORD=VALUE, such as broken=1.") from err
    if not (word and equals):
        raise InvalidInput("--choice", f"{text[:60]!r} has no word", "Write WORD=VALUE, such as broken=1.")
    return word, number


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) and err.strerror else "it is not UTF-8"
        raise Unavailable(str(file), why.lower(), "Give a JSON file that this user may read.") from err
