"""`handrail feedback quarantine`: rows that could not be recorded, looked at, repaired and recorded, or dropped."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from handrail.bootstrap import Platform, open_records
from handrail.clock import system_time
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.entrypoints.http.feedback_messages import read_row
from handrail.errors import InvalidInput
from handrail.feedback import Held, Prediction, Reason, Rejected

app = typer.Typer(
    no_args_is_help=True,
    help="Rows that could not be recorded: look at them, repair and record them, or drop them.",
    epilog="Example: handrail feedback quarantine list",
)
Number = Annotated[int, typer.Argument(help="The number of the row, as `list` prints it.")]
MOST = 1_000_000
"""How many rows are replayed at once."""
By = Annotated[str, typer.Option("--by", help="Who does it; your account on this machine if left out.")]


@app.command("list", epilog="Example: handrail feedback quarantine list --reason wrong_value")
def list_rows(
    reason: Annotated[Reason | None, typer.Option("--reason", help="Rows of this reason alone.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that were recorded or dropped since, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, newest first."""
    with open_records() as platform:
        held = platform.feedback.quarantine.held(limit, None if every else "open", reason)
    if as_json:
        return print_json([asdict(each) for each in held])
    for each in held:
        results.print(_line(each), highlight=False, markup=False)
    if not held:
        results.print("Nothing waits in quarantine.")
    return None


@app.command("show", epilog="Example: handrail feedback quarantine show 17 --json")
def show_row(number: Number, as_json: AsJson = False) -> None:
    """Show a row as it was sent, and what became of it."""
    with open_records() as platform:
        held = platform.feedback.quarantine.show(number)
    if as_json:
        return print_json(asdict(held))
    results.print(_line(held), highlight=False, markup=False)
    results.print(json.dumps(held.content, indent=2, default=str, ensure_ascii=True), highlight=False, markup=False)
    return None


@app.command("repair", epilog="Example: handrail feedback quarantine repair 17 --set value=1 --set revision=2")
def repair_row(
    number: Number,
    changes: Annotated[list[str], typer.Option("--set", help="FIELD=VALUE; an empty value leaves the field out.")],
    by: By = "",
) -> None:
    """Change fields of a row and record it. Nothing changes if it still cannot be recorded."""
    with open_records() as platform:
        held = platform.feedback.quarantine.require_open(number)
        identifier = _record_again(platform, held, _changed(_content(held), changes), by)
    results.print(f"Row {number} is recorded as {identifier}.", highlight=False, markup=False)


@app.command("replay", epilog="Example: handrail feedback quarantine replay --reason unknown_kind")
def replay_rows(
    numbers: Annotated[list[int] | None, typer.Argument(help="Rows by number.")] = None,
    reason: Annotated[Reason | None, typer.Option("--reason", help="Every row of this reason.")] = None,
    by: By = "",
) -> None:
    """Record rows as they are, after config/feedback.yaml was corrected."""
    if bool(numbers) == (reason is not None):
        raise InvalidInput("number", "name either rows or a reason", "Write: replay --reason unknown_kind.")
    with open_records() as platform:
        quarantine = platform.feedback.quarantine
        if numbers:
            rows = [quarantine.require_open(each) for each in numbers]
        else:
            # Oldest first, as they came.
            rows = [*quarantine.held(MOST, "open", reason)][::-1]
        left = sum(_replay(platform, held, by) for held in rows)
    results.print(f"{len(rows) - left:,} recorded, {left:,} left in quarantine.")
    if left:
        raise typer.Exit(1)


@app.command("drop", epilog="Example: handrail feedback quarantine drop 17 --because 'a test of the sender'")
def drop_row(
    number: Number,
    because: Annotated[str, typer.Option("--because", help="Why it is left out for good.")],
    by: By = "",
) -> None:
    """Leave a row out for good; it stays readable, with who dropped it and why."""
    with open_records() as platform:
        platform.feedback.quarantine.drop(number, by or getpass.getuser(), system_time(), because)
    results.print(f"Row {number} is dropped.")


def _replay(platform: Platform, held: Held, by: str) -> bool:
    """Record a row as it is; return whether it is left, and say why."""
    try:
        _record_again(platform, held, _content(held), by)
    except InvalidInput as err:
        messages.print(str(err), highlight=False, markup=False)
        return True
    return False


def _record_again(platform: Platform, held: Held, content: Any, by: str) -> str:
    """Record the content of a row and return the id that it has now.

    Raises:
        InvalidInput: it cannot be recorded; the row stays as it is.
    """
    row, log = read_row(content, platform.event_clock()), platform.feedback
    if isinstance(row, Rejected):
        raise _left(held, row.problem)
    identifier = row.prediction_id if isinstance(row, Prediction) else row.key
    try:
        receipt = log.record_predictions([row]) if isinstance(row, Prediction) else log.record_feedback([row])
    except InvalidInput as err:
        raise _left(held, str(err)) from err
    if receipt.conflicts:
        raise _left(
            held, f"The id {identifier!r} is there with another body. Set another event_id, or a higher revision."
        )
    log.quarantine.replayed(held.number, by or getpass.getuser(), system_time(), identifier, content)
    return identifier


def _left(held: Held, problem: str) -> InvalidInput:
    return InvalidInput(f"row {held.number}", problem.rstrip("."), "It stays in quarantine as it is.")


def _content(held: Held) -> Any:
    """Return a row as a message: without what is empty and what is not said in one."""
    if not isinstance(held.content, dict):
        return held.content
    return {name: value for name, value in held.content.items() if value not in ("", None)}


def _changed(content: Any, changes: list[str]) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InvalidInput("row", "it is no object with fields", "Send it again as a row that is one.")
    changed = dict(content)
    for change in changes:
        name, equals, text = change.partition("=")
        if not (name and equals):
            raise InvalidInput("--set", f"{change!r} names no field", "Write FIELD=VALUE.")
        changed.pop(name, None)
        if text:
            changed[name] = _value(text)
    return changed


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _line(held: Held) -> str:
    came = f"{held.quarantined_at:%Y-%m-%d %H:%M}Z" + (f" from {held.origin}" if held.origin else "")
    became = f", {held.state} by {held.changed_by}: {held.note}" if held.state != "open" else ""
    return f"{held.number}  {held.reason}  {held.what} {held.identifier}  {came}{became}  {held.problem}"
